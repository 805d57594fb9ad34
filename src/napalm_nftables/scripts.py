"""Shell scripts that run on the device, for any POSIX shell. Pure.

Each is wrapped in a function that is called in the last line: a script of which only a part arrives, because the
link died, is a syntax error and does nothing at all.

What stands in the state directory, on the device:

    undo.T       what takes commit T back
    pending.T    commit T waits for its confirmation; holds the boot it belongs to, and the uptime at which its timer ends
    timer.T      process id of the timer of commit T
    last         the last commit of this boot, for a rollback after confirmation
    confirmed    who confirmed the last commit, and from where
    added        the tables that commits of this boot added, which a merge may remove again

Timer, confirmation and rollback all claim a commit by renaming `pending.T`: exactly one of them wins.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from napalm_nftables.ruleset import Table

PENDING, NOT_PENDING, NOT_APPLIED, NOT_UNDONE, NO_TIMER, NO_STATE = 82, 84, 83, 85, 86, 81
TOO_LATE = 87
BAD_RUNNING, BAD_CANDIDATE = 91, 92


@dataclass(frozen=True)
class Place:
    """How nft is called on the device and where the driver keeps its state there."""

    nft: str
    state_dir: str

    @property
    def enter(self) -> str:
        """Go to the state directory, alone, and forget commits of an earlier boot: a reboot has undone them."""
        return f"""
  umask 077; trap '' HUP
  mkdir -p {self.state_dir} && cd {self.state_dir} && exec 9>lock && flock -n 9 || exit {NO_STATE}
  boot=$(cat /proc/sys/kernel/random/boot_id)
  for f in pending.* last confirmed added; do [ -f "$f" ] && ! grep -q "$boot" "$f" && rm -f "$f"; done
"""


def whole(body: str) -> str:
    """Wrap a script so that it runs as a whole or not at all."""
    return f"PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL\nmain() {{\n{body}\n}}\nmain\n"


def document(text: str, mark: str) -> str:
    """Write a text as a here-document that the shell does not look into."""
    return f"<<'{mark}'\n{text.rstrip()}\n{mark}\n"


def preview(nft: str, running: str, candidate: str, mark: str, interfaces: tuple[str, ...]) -> str:
    """Load both rulesets in the namespace that the script runs in; list it before and after."""
    links = "".join(
        f"  ip link add {shlex.quote(name)} type dummy 2>/dev/null ||"
        f" ip link add {shlex.quote(name)} type veth peer name nftpeer{number}\n"
        for number, name in enumerate(interfaces)
    )
    return whole(
        f"{links}  {nft} -f - {document(running, mark)}  [ $? = 0 ] || exit {BAD_RUNNING}\n"
        f"  {nft} -s list ruleset; echo {mark}\n"
        f"  {nft} -f - {document(candidate, mark)}  [ $? = 0 ] || exit {BAD_CANDIDATE}\n"
        f"  {nft} -s list ruleset\n"
    )


@dataclass(frozen=True)
class Change:
    """A commit: what is applied, what takes it back, and what it does to the state in the device's folder."""

    token: str
    candidate: str
    undo: str
    note: str = ""
    ends: str = ""
    """The waiting commit that this commit takes back as a whole, and so ends."""
    adds: tuple[Table, ...] = ()
    removes: tuple[Table, ...] = ()
    before_s: float | None = None
    """The uptime from which on the device refuses it; None where it may take its time."""


def commit(place: Place, change: Change, revert_in_s: int | None) -> str:
    """Keep the undo, start its timer and see it run, and only then apply the candidate."""
    token, ends = change.token, change.ends
    timer = "" if revert_in_s is None else _timer(place, token, revert_in_s)
    return whole(f"""{place.enter}{_in_time(change.before_s)}
  for f in pending.*; do [ -f "$f" ] && [ "$f" != "pending.{ends}" ] && exit {PENDING}; done
  for f in undo.* timer.* taken.*; do [ "${{f#*.}}" = "{ends}" ] || rm -f "$f"; done
  rm -f last confirmed
  cat > undo.{token} {document(f"# {change.note}" + chr(10) + change.undo, token)}
  [ $? = 0 ] || exit {NO_STATE}
  {timer}
  if {place.nft} -f - {document(change.candidate, token)}  then
    echo "$boot {token}" > last
{_added(change)}{_end(ends)}
  else
    mv pending.{token} taken.{token} 2>/dev/null && kill -- "-$(cat timer.{token})" 2>/dev/null
    rm -f undo.{token} taken.{token} timer.{token}
    exit {NOT_APPLIED}
  fi""")


def _in_time(before_s: float | None) -> str:
    if before_s is None:
        return ""
    moment = int(before_s * 100)
    return f"""  read -r up rest </proc/uptime; [ "${{up%.*}}${{up#*.}}" -lt {moment} ] || exit {TOO_LATE}
"""


def _added(change: Change) -> str:
    adds = "".join(f'    echo "$boot {family} {name}" >> added\n' for family, name in change.adds)
    removes = "".join(
        f'    grep -vxF "$boot {family} {name}" added > added.new; mv added.new added\n'
        for family, name in change.removes
    )
    return adds + removes


def _end(ends: str) -> str:
    # Its timer may win: what it takes back then is gone already.
    if not ends:
        return "    :"
    return f"""    mv pending.{ends} taken.{ends} 2>/dev/null && kill -- "-$(cat timer.{ends})" 2>/dev/null
    rm -f undo.{ends} taken.{ends} timer.{ends}; :"""


def _timer(place: Place, token: str, revert_in_s: int) -> str:
    # Its own session and no open file: it outlives this login, sshd's end of it, and the management link.
    undo = f"mv pending.{token} taken.{token} || exit 0; {place.nft} -f undo.{token}; rm -f last timer.{token}"
    script = f"echo $$ > timer.{token}.new; mv timer.{token}.new timer.{token}; sleep {revert_in_s}; {undo}"
    return f"""
  read -r up rest </proc/uptime
  echo "$boot {token} $((${{up%.*}} + {revert_in_s}))" > pending.{token} || exit {NO_STATE}
  setsid -f sh -c {shlex.quote(script)} </dev/null >/dev/null 2>&1 9>&-
  n=0; while [ ! -f timer.{token} ] && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.02; done
  kill -0 "$(cat timer.{token})" 2>/dev/null || {{ rm -f pending.{token}; exit {NO_TIMER}; }}
"""


def confirm(place: Place) -> str:
    """Claim the waiting commit and stop its timer."""
    return whole(f"""{place.enter}
  for f in pending.*; do
    t=${{f#pending.}}
    if mv "$f" "taken.$t" 2>/dev/null; then
      kill -- "-$(cat "timer.$t")" 2>/dev/null; rm -f "timer.$t" "taken.$t"
      echo "$boot $t $(id -un) ${{SSH_CLIENT%% *}}" > confirmed; exit 0
    fi
  done
  exit {NOT_PENDING}""")


def rollback(place: Place) -> str:
    """Claim the waiting commit, or take the last one, and apply its undo."""
    return whole(f"""{place.enter}
  t=
  for f in pending.*; do
    [ -f "$f" ] && t=${{f#pending.}} && {{ mv "$f" "taken.$t" 2>/dev/null || t=; }}
  done
  [ -n "$t" ] || {{ [ -f last ] && read -r boot t < last; }}
  [ -n "$t" ] && [ -f "undo.$t" ] || exit {NOT_PENDING}
  {place.nft} -f "undo.$t" || exit {NOT_UNDONE}
  [ -f "timer.$t" ] && kill -- "-$(cat "timer.$t")" 2>/dev/null
  rm -f last "undo.$t" "timer.$t" "taken.$t"
  exit 0""")


def pending(place: Place) -> str:
    """Exit 0 when a commit of this boot waits for its confirmation."""
    return whole(f"""
  boot=$(cat /proc/sys/kernel/random/boot_id)
  cd {place.state_dir} 2>/dev/null || exit {NOT_PENDING}
  for f in pending.*; do [ -f "$f" ] && grep -q "$boot" "$f" && exit 0; done
  exit {NOT_PENDING}""")


def waiting(place: Place) -> str:
    """Print the token of the commit of this boot that waits, and its undo."""
    return whole(f"""
  boot=$(cat /proc/sys/kernel/random/boot_id)
  cd {place.state_dir} 2>/dev/null || exit {NOT_PENDING}
  for f in pending.*; do
    [ -f "$f" ] && grep -q "$boot" "$f" && {{ echo "${{f#pending.}}"; cat "undo.${{f#pending.}}"; exit 0; }}
  done
  exit {NOT_PENDING}""")


def added(place: Place) -> str:
    """Print the tables that commits of this boot added."""
    return whole(f"""
  boot=$(cat /proc/sys/kernel/random/boot_id)
  cd {place.state_dir} 2>/dev/null || exit 0
  [ ! -f added ] || sed -n "s/^$boot //p" added""")
