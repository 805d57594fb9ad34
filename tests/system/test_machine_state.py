"""The machine's own place: the same from every folder, and believed only where its files have one writer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from islandmode.system import machine_state
from islandmode.system.machine_state import VARIABLE, keep_owned, names_in, own_place, places, read_owned


def test_the_place_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert own_place() == tmp_path
    assert places() == (tmp_path,)


def test_with_rights_it_is_the_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(machine_state, "MACHINE", tmp_path / "machine")
    assert own_place() == tmp_path / "machine"


def test_without_rights_it_is_the_accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(machine_state, "MACHINE", Path("/proc/nothing/islandmode"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert own_place() == tmp_path / ".local" / "state" / "islandmode"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert own_place() == tmp_path / "state" / "islandmode"
    # What root recorded is looked at by everybody.
    assert Path("/proc/nothing/islandmode") in places()


def test_what_is_kept_is_read_back_with_its_account(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        keep_owned(tmp_path / "place" / "runs" / "a.json", b"{}")
    finally:
        os.umask(umask)
    kept = read_owned(tmp_path / "place" / "runs" / "a.json")
    assert (kept.data, kept.account) == (b"{}", os.geteuid())
    assert (tmp_path / "place" / "runs").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in names_in(tmp_path / "place" / "runs", ".json")] == ["a.json"]
    assert list(names_in(tmp_path / "none", ".json")) == []


@pytest.mark.parametrize("spoil", ["group", "link", "pipe"])
def test_what_others_may_have_written_is_not_read(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"{}")
    if spoil == "group":
        path.chmod(0o664)
    elif spoil == "link":
        path.rename(tmp_path / "b.json")
        path.symlink_to(tmp_path / "b.json")
    else:
        path.unlink()
        os.mkfifo(path)
    with pytest.raises(OSError):
        read_owned(path)


def test_a_place_from_which_others_could_take_it_away_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="others can write this folder"):
        keep_owned(tmp_path / "a.json", b"{}")
    tmp_path.chmod(0o1777)
    keep_owned(tmp_path / "a.json", b"{}")
