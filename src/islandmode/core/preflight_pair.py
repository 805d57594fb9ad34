"""Preflight of a pair: which of its members is active, and whether the pair is in order and in sync. Every reason to refuse is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from islandmode.core.pair import IN_SYNC, OUT_OF_SYNC, RoleSeen, SyncSeen
from islandmode.core.preflight import PreflightFinding


def judge_roles(pair: str, seen: Mapping[str, RoleSeen], *, by_addresses: bool = True) -> tuple[PreflightFinding, ...]:
    """Find why a pair must not be isolated, by what each of its members said before a drill.

    `by_addresses`: the roles are told by who has the pair's virtual addresses; otherwise by the members' own word.
    """
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
    return () if _is_in_order(named) else (_out_of_order(pair, named, seen, by_addresses=by_addresses),)


def _is_in_order(named: Mapping[str, list[str]]) -> bool:
    return not named["divided"] and len(named["active"]) == 1


def _out_of_order(
    pair: str, named: Mapping[str, list[str]], seen: Mapping[str, RoleSeen], *, by_addresses: bool
) -> PreflightFinding:
    """Say what is not in order of roles that are all known."""
    divided = _listed(named["divided"])
    if divided and by_addresses:
        sentence = (
            f"Pair {pair} is out of step: {divided} has only some of its virtual addresses. Put the interfaces that must fail over "
            "together into one sync group, or correct virtual_addresses in the site file."
        )
        return _refusal("pair-out-of-step", sentence)
    if divided:
        sentence = (
            f"Pair {pair} is out of step: {divided} says that it is active for some groups and standby for others. Let the groups that must fail "
            "over together do so."
        )
        return _refusal("pair-out-of-step", sentence)
    if len(named["active"]) > 1:
        has = "have its virtual addresses" if by_addresses else "say that they are active"
        sentence = f"Pair {pair} is split: {' and '.join(named['active'])} each {has}, as they do when they do not hear each other. Mend the pair first."
        return _refusal("pair-split", sentence)
    has = "has its virtual addresses" if by_addresses else "says that it is active"
    correct = ", or correct virtual_addresses in the site file" if by_addresses else ""
    sentence = f"Pair {pair} has no active member: none of {_listed(seen)} {has}. Mend the pair first{correct}."
    return _refusal("pair-without-active", sentence)


def judge_sync(pair: str, seen: Mapping[str, SyncSeen]) -> tuple[PreflightFinding, ...]:
    """Find why a pair must not be isolated, by what each of its members said of its sync. What nothing asks for is told with the roles."""
    told = {name: said for name, said in seen.items() if not said.untold}
    unknown = [
        _refusal(
            "pair-sync-unread",
            f"Pair {pair}: {name} did not show whether it is in sync with the other members{_clause(said.why)}. What another member would do after "
            "a failover is not known. Mend that first.",
            late=said.late,
        )
        for name, said in told.items()
        if said.sync == "unknown"
    ]
    if unknown:
        return tuple(unknown)
    out = [name for name, said in told.items() if said.sync == OUT_OF_SYNC]
    if out:
        sentence = f"Pair {pair} is out of sync, as {' and '.join(out)} {'say' if len(out) > 1 else 'says'}. Bring its members in sync first."
        return (_refusal("pair-out-of-sync", sentence),)
    alone = [name for name, said in told.items() if said.sync == IN_SYNC]
    if alone and len(alone) < len(told):
        others = [name for name in told if name not in alone]
        sentence = (
            f"Pair {pair} is out of sync: {_listed(alone)} keeps itself in sync with the other members, and {_listed(others)} keeps nothing in "
            "sync. Let all of them, or none."
        )
        return (_refusal("pair-out-of-sync", sentence),)
    return ()


def judge_member(
    pair: str, name: str, role: RoleSeen, sync: SyncSeen, *, by_addresses: bool
) -> tuple[PreflightFinding, ...]:
    """Find why one member alone already keeps its pair from being isolated. Either role is in order by itself: how many are active, all must say."""
    roles = () if role.role == "standby" else judge_roles(pair, {name: role}, by_addresses=by_addresses)
    return (*roles, *judge_sync(pair, {name: sync}))


def _refusal(code: str, sentence: str, *, late: bool = False) -> PreflightFinding:
    return PreflightFinding(code, f"{sentence} Nothing was touched.", refuses=True, late=late)


def _clause(why: str) -> str:
    return f" ({why.strip().rstrip('.')})" if why.strip() else ""


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)
