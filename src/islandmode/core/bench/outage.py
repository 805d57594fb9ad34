"""A restart or a failover that a person causes while the stand-in acts: what the device was seen to make of it. Pure.

Only a device of which its site says `spare: true` is asked for one. The person restarts it, or has its pair fail over; nothing here sends a
command for that. What is believed is what was seen: logins that failed and then worked again, another serial number that answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.bench.record import BenchOutage

KEEPS = {"stays": True, "isolates": True, "gone": False, "reverts": False, "passes": False}
"""Whether an object is still there and acts after it, by what its platform declares."""


def outage_trouble(outage: BenchOutage) -> str:
    """Say why an outage does not show what its platform declares; goes on after what it was. Empty where it does."""
    if not outage.was_seen:
        why = (
            "no login failed meanwhile"
            if outage.what == "restart"
            else "the same serial number answers, or none is told"
        )
        return f"was not seen: {outage.why or why}"
    if outage.present is None or outage.acts is None:
        return f"was seen, and not what it left of the object: {outage.why or 'no look showed it'}"
    if outage.acts and outage.timer_s is None:
        return "LEFT AN OBJECT THAT ACTS WITHOUT A TIMER: nothing on the device would have ended it"
    keeps = KEEPS.get(outage.declared)
    if keeps is not None and keeps != outage.survived:
        found = "object and timer survived it" if outage.survived else "object and timer did not survive it"
        return f"was not as declared ({outage.declared}): {found}"
    if outage.survived and outage.firing.gone_s is None:
        return f"left an object that was not seen to end ({outage.firing.why or 'no look showed it'})"
    return ""


def outage_told(outage: BenchOutage) -> str:
    """Say what was seen of an outage, as a sentence without its end."""
    return f"{outage.what}: {'; '.join(_seen(outage))}"


def _seen(outage: BenchOutage) -> Iterator[str]:
    if outage.away_s is not None:
        yield f"no login was taken for {outage.away_s:.0f} s"
    if outage.what == "failover" and outage.was_seen:
        yield f"{outage.serial_after} answers in the place of {outage.serial_before}"
    trouble = outage_trouble(outage)
    if trouble:
        yield f"it {trouble}"
    elif outage.survived:
        ended = max(0.0, outage.firing.gone_s or 0.0)
        yield f"object and timer survived it, with {outage.timer_s or 0:.0f} s left, and it ended by itself, at most {ended:.1f} s late"
    else:
        yield "the object did not survive it, and isolates no more"
