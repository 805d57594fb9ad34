"""Preflight of a pair: which of its members is active, and whether the pair is in order. Every reason to refuse is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from islandmode.core.pair import RoleSeen
from islandmode.core.preflight import PreflightFinding


def judge_roles(pair: str, seen: Mapping[str, RoleSeen]) -> tuple[PreflightFinding, ...]:
    """Find why a pair must not be isolated, by what each of its members said before a drill."""
    named = {
        role: [name for name, said in seen.items() if said.role == role] for role in ("active", "divided", "unknown")
    }
    untold = [
        PreflightFinding(
            "pair-role-untold",
            f"Pair {pair}: nobody knows whether {name} is active, because its platform has no question for that; look at the device. A failover in "
            "the hold is not noticed either.",
            refuses=False,
        )
        for name, said in seen.items()
        if said.untold
    ]
    unknown = [
        _refusal(
            "pair-role-unread",
            f"Pair {pair}: {name} did not show whether it is active{_clause(seen[name].why)}. Which member carries the traffic, and whether the "
            "pair is in order, is not known. Mend that, or correct the pair in the site file.",
            late=seen[name].late,
        )
        for name in named["unknown"]
        if not seen[name].untold
    ]
    if unknown or untold:
        return (*unknown, *untold)
    if named["divided"]:
        sentence = (
            f"Pair {pair} is out of step: {_listed(named['divided'])} has only some of its virtual addresses. Put the interfaces that must fail over "
            "together into one sync group, or correct virtual_addresses in the site file."
        )
        return (_refusal("pair-out-of-step", sentence),)
    if len(named["active"]) > 1:
        sentence = (
            f"Pair {pair} is split: {' and '.join(named['active'])} each have its virtual addresses, as they do when they do not hear each other. "
            "Mend the pair first."
        )
        return (_refusal("pair-split", sentence),)
    if not named["active"]:
        sentence = (
            f"Pair {pair} has no active member: none of {_listed(seen)} has its virtual addresses. Mend the pair first, or correct "
            "virtual_addresses in the site file."
        )
        return (_refusal("pair-without-active", sentence),)
    return ()


def _refusal(code: str, sentence: str, *, late: bool = False) -> PreflightFinding:
    return PreflightFinding(code, f"{sentence} Nothing was touched.", refuses=True, late=late)


def _clause(why: str) -> str:
    return f" ({why.strip().rstrip('.')})" if why.strip() else ""


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)
