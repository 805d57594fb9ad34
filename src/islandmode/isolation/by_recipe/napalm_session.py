"""A session at a device through NAPALM: questions by `cli`, and changes as a candidate that is committed with a timer of the device.

The one file that imports NAPALM. Of its drivers only these calls are used: `open`, `cli`, `is_alive`, `load_merge_candidate`, `compare_config`,
`commit_config`, `has_pending_commit`, `discard_config`. Never `rollback` and never `confirm_commit`: on some drivers both write what a restart loads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napalm.base import NetworkDriver, get_network_driver
from napalm.base.exceptions import CommandErrorException, CommitError, LockError, MergeConfigException, NapalmException

from islandmode.core.errors import InputError
from islandmode.core.recipe.drivers import by_candidate, driver_trouble
from islandmode.core.recipe.model import Recipe
from islandmode.core.text import cleaned
from islandmode.isolation import incoming
from islandmode.isolation.by_recipe.trouble import CandidateRefused, ConnectionEnded, LoginFailed, NoAnswer, NothingSent
from islandmode.isolation.platform import Access, Transcript
from islandmode.isolation.under_way import GivenUp
from islandmode.system.clock import Clock
from islandmode.system.redaction import KNOWN, redacted
from napalm_nftables.errors import FirewallError

CONNECT_S = 60
"""Longer than any caller waits: the session's own deadline resets the connection, and that ends the wait."""
STATE = "state"
"""The option of a site that names the folder in which the driver nftables keeps a commit that waits."""
_TROUBLES = (NapalmException, FirewallError, OSError, EOFError)


@dataclass(frozen=True)
class OpenedBy:
    """How one NAPALM driver is opened with a host key that must be known, and how its connection is reset."""

    options: Callable[[Access, Recipe], Mapping[str, Any]]
    reset: Callable[[Any], None]
    """Resets the connection at once, from any thread; NAPALM itself has no such call."""
    bound: Callable[[Any, float | None], None]
    """Lets the device refuse the next candidate so many seconds after its loading; None lets it take that candidate at any time."""


def _nftables_options(access: Access, recipe: Recipe) -> Mapping[str, Any]:
    if access.become == "enable":
        raise InputError(
            f"{recipe.recipe}: NAPALM's driver nftables logs in to a Linux firewall, where nobody says enable; write become: sudo, or root "
            "if the account is root."
        )
    options: dict[str, Any] = {"port": access.port, "alt_key_file": str(access.known_hosts), "become": access.become}
    if access.key is not None:
        options["key"] = access.key
    if STATE in access.options:
        # Where the recipe's reads look for it, so that both mean the same folder.
        options["state_dir"] = str(access.options[STATE])
    return options


def _bound_nftables(driver: Any, life_s: float | None) -> None:
    driver.candidate_life_s = life_s


OPENED_BY: Mapping[str, OpenedBy] = {
    "nftables": OpenedBy(_nftables_options, lambda driver: driver.link.abort(), _bound_nftables)
}
MakeDriver = Callable[[Access, Recipe], Any]


def make_driver(access: Access, recipe: Recipe) -> Any:
    """Make NAPALM's driver for a recipe; nothing is contacted. Raises InputError for a driver that cannot be used."""
    trouble = (
        driver_trouble(recipe.driver) if by_candidate(recipe.driver) else f"{recipe.driver} is no driver of NAPALM's."
    )
    kind = recipe.driver.partition(":")[2]
    if trouble or kind not in OPENED_BY:
        raise InputError(f"{recipe.recipe}: {trouble or 'nothing here opens that driver.'}")
    options = dict(OPENED_BY[kind].options(access, recipe))
    made: type[NetworkDriver] = get_network_driver(kind)
    return made(access.host, access.user, access.password or "", CONNECT_S, options)


def lacks_timer(driver: Any) -> str:
    """Say why a driver's commit cannot be taken back by a timer of the device; empty where its own method takes `revert_in`.

    NAPALM's base class takes it for every driver, and then knows no commit at all.
    """
    method = getattr(type(driver), "commit_config", None)
    if method is None or method is NetworkDriver.commit_config:
        return f"{type(driver).__name__} has no commit of its own"
    if "revert_in" not in inspect.signature(method).parameters:
        return (
            f"the commit of {type(driver).__name__} takes no revert_in, so that no timer would take the isolation back"
        )
    return ""


class NapalmSession:
    """A driver as a device session wants it."""

    let_in = ""
    greeting = ""

    def __init__(
        self,
        access: Access,
        recipe: Recipe,
        clock: Clock,
        transcript: Transcript | None = None,
        make: MakeDriver = make_driver,
        known: OpenedBy | None = None,
    ) -> None:
        """Know the device; nothing is contacted yet. Raises InputError for a driver without a timer."""
        for secret in (access.password, access.key if "-----BEGIN" in (access.key or "") else None):
            if secret and redacted(secret[:]) == secret[:]:
                KNOWN.learn(secret)
        self._transcript = transcript
        self._driver = make(access, recipe)
        known = known or OPENED_BY[recipe.driver.partition(":")[2]]
        self._reset, self._bound = known.reset, known.bound
        self._latest_s = None if recipe.late is None else recipe.late.at_most
        lacking = lacks_timer(self._driver)
        if lacking:
            raise InputError(f"{recipe.recipe}: {recipe.driver} cannot be used: {lacking}.")
        self._is_over = False

    def open(self) -> None:
        """Log in once; nothing is changed."""
        try:
            self._driver.open()
        except _TROUBLES as error:
            self.abort()
            raise LoginFailed(str(error)) from error

    def say(self, line: str, answers: Sequence[tuple[str, str]] = ()) -> str:
        """Ask, and give the answer."""
        self._must_be_open()
        if cleaned(line) != line:
            raise NothingSent(
                "a line with a control character was not sent; a line is letters, and no more than one line"
            )
        self._tell(line)
        try:
            answer = str(self._driver.cli([line])[line])
        except CommandErrorException as error:
            self._heard(str(error))
            raise NoAnswer(f'the device did not answer "{line}": {incoming.quoted(error)}') from error
        except _TROUBLES as error:
            raise NoAnswer(f"the connection broke before the answer came: {error}") from error
        self._heard(answer)
        return answer

    def put_in(
        self,
        lines: Sequence[str],
        foreign: Callable[[str], str | None],
        about_to: Callable[[], None],
        answered: Callable[[], None],
        revert_in_s: int | None,
    ) -> str:
        """Commit lines as one candidate, if it differs from the configuration, and by nothing foreign; gives the difference.

        `CandidateRefused` where it was not committed; `NoAnswer`, and so unknown, where that cannot be told. `about_to` is called right
        before the commit leaves, and `answered` when its answer has come.
        """
        # What isolates late isolates a plant that nobody watches any more; what restores late harms nothing, and must not fail for it.
        self._bound(self._driver, None if revert_in_s is None else self._latest_s)
        difference = self.difference(lines, foreign)
        if difference:
            try:
                about_to()
            except GivenUp:
                # What is loaded must not wait there for anybody's commit.
                self._discard()
                raise
            timer = {} if revert_in_s is None else {"revert_in": revert_in_s}
            self._tell("commit" if revert_in_s is None else f"commit, taken back in {revert_in_s} s")
            try:
                self._driver.commit_config(**timer)
            except (CommitError, MergeConfigException) as error:
                answered()
                self._discard()
                self._heard(str(error))
                raise CandidateRefused(
                    f"the device refused the commit ({incoming.quoted(error)})", str(error)
                ) from error
            except _TROUBLES as error:
                raise NoAnswer(f"the connection broke during a commit: {error}") from error
            answered()
        else:
            # Only here: after a commit there is no candidate, and some drivers would take the waiting commit back by discarding.
            self._discard()
        return difference

    def difference(self, lines: Sequence[str], foreign: Callable[[str], str | None]) -> str:
        """Load lines as a candidate and give what it would change; `CandidateRefused` where it holds anything foreign."""
        self._must_be_open()
        for line in lines:
            self._tell(line)
        try:
            self._driver.load_merge_candidate(config="\n".join(lines) + "\n")
            difference = str(self._driver.compare_config())
        except LockError as error:
            # Nothing was loaded, and what is in the candidate is somebody else's: it is not discarded.
            self._heard(str(error))
            raise CandidateRefused(
                f"the device does not let its configuration be edited now ({incoming.quoted(error)})", str(error)
            ) from error
        except MergeConfigException as error:
            self._discard()
            self._heard(str(error))
            raise CandidateRefused(
                f"the device refused the candidate ({incoming.quoted(error)})", str(error)
            ) from error
        except _TROUBLES as error:
            raise NoAnswer(f"the connection broke while a candidate was loaded: {error}") from error
        self._heard(difference)
        others = foreign(difference)
        if others is not None:
            self._discard()
            raise CandidateRefused(
                f'the candidate holds "{incoming.quoted(others)}", which this run did not write: somebody\'s uncommitted edit would be '
                "committed with it"
            )
        return difference

    def has_pending(self) -> bool:
        """Ask the driver itself whether a commit waits on the device."""
        self._must_be_open()
        try:
            return bool(self._driver.has_pending_commit())
        except _TROUBLES as error:
            raise NoAnswer(f"the connection broke while the driver looked for a commit that waits: {error}") from error

    def discard(self) -> None:
        """Forget the candidate."""
        self._discard()

    def close(self) -> None:
        """End the connection; a commit that waits goes on waiting on the device."""
        self._is_over = True
        # Not the driver's own close, which some drivers take a waiting commit back with.
        self._reset(self._driver)

    def abort(self) -> None:
        """Reset the connection at once, from any thread."""
        self._is_over = True
        self._reset(self._driver)

    def _must_be_open(self) -> None:
        if self._is_over or not self._driver.is_alive().get("is_alive", False):
            raise ConnectionEnded("the connection is lost, and nothing was sent")

    def _discard(self) -> None:
        try:
            self._driver.discard_config()
        except _TROUBLES as error:
            raise NoAnswer(f"the connection broke while a candidate was discarded: {error}") from error

    def _tell(self, line: str) -> None:
        if self._transcript is not None:
            self._transcript.sent(line)

    def _heard(self, text: str) -> None:
        if self._transcript is not None:
            self._transcript.heard(text)
