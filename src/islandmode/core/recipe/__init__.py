"""Recipes: a way of isolating as data, for every platform that is not nftables. Values and pure functions only.

model         what stands in a recipe's file; parts: each part with its path
words         placeholders in a line, and moments as a device writes them; known: which has a value where
check         what is refused when a recipe is loaded: check_text, check_cycle, patterns
loaded        recipes that were read, as a site may name them; carried: a recipe within a plan
place         a site's point as the lines need it, and what a recipe cannot do there
steps         the exact lines of each step, for a run or for a plan; due: what is so already is left out
rendered      the lines as a plan and the card carry them; card: how a person sees that a restore worked
told          what a plan says of a recipe: how sure it is, how far it was tried, what keeps it from a plant
window        a window of a device's clock: at rest, armed for a run, isolating, over
device_clock  when a timer ends by the device's clock, and what keeps that clock from being trusted
reading       what a device's answers show
preflight     versions and needs
derive        what the way of isolating can do, as `Capabilities`
"""
