"""Recipes: a way of isolating as data, for every platform that is not nftables. Values and pure functions only.

model       what stands in a recipe's file
words       placeholders in a line, and moments as a device writes them
check       what is refused when a recipe is loaded
steps       the exact lines of each step, for a site's point
window      a window of a device's clock: at rest, armed for a run, isolating, over
device_clock  when a timer ends by the device's clock, and what keeps that clock from being trusted
reading     what a device's answers show
derive      what the way of isolating can do, as `Capabilities`
"""
