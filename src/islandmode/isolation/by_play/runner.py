"""Run one playbook by ansible-runner and tell what comes of it: a program of its own, which imports nothing of Islandmode.

The first line of standard input is what to run; its end is the end of the process that started this, and then every process of the play is
ended. Each line of standard output is an event, and the last how the play ended. Nothing secret is in an argument, in the environment or in a
file: a password is typed at Ansible's own prompt, and a key is a file in this process's memory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

TELLS_OF = {
    "playbook_on_task_start": "begun",
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}
WORDS_MOST = 2000


def end_all(mark: str) -> None:
    """End every process that carries the mark of this play, but this process, until a look finds none."""
    wanted = f"ISLANDMODE_PLAY={mark}".encode()
    for _ in range(50):
        found = [pid for pid in _others() if wanted in _environment(pid).split(b"\0")]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue


def _others() -> list[int]:
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in found if pid != os.getpid()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def told(event: dict[str, Any]) -> dict[str, str] | None:
    """Give what an event says to people; None where it says nothing."""
    kind = TELLS_OF.get(str(event.get("event")))
    data = event.get("event_data") or {}
    if kind is None:
        return None
    found = data.get("res") or {}
    words = next((str(found[key]) for key in ("stderr", "msg", "stdout") if found.get(key)), "")
    if kind == "ok":
        words = "changed" if found.get("changed") else str(found.get("stdout") or "")
    return {
        "event": kind,
        "task": str(data.get("task") or ""),
        "words": words[:WORDS_MOST],
        "utc": str(event.get("created") or ""),
    }


def key_file(key: str) -> str:
    """Put a private key into memory and give a path to it, which is there as long as this process is."""
    number = os.memfd_create("key")
    os.fchmod(number, 0o600)
    os.write(number, key.encode())
    return f"/proc/{os.getpid()}/fd/{number}"


def main() -> int:
    """Run what standard input says."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def tell(**what: Any) -> None:
        said.write(json.dumps(what) + "\n")

    asked = json.loads(sys.stdin.buffer.readline())
    mark = os.environ["ISLANDMODE_PLAY"]

    def hear_end() -> None:
        sys.stdin.buffer.read()
        end_all(mark)
        shutil.rmtree(asked["folder"], ignore_errors=True)
        os._exit(1)

    threading.Thread(target=hear_end, daemon=True).start()
    import ansible_runner  # noqa: PLC0415 - half a second, in which the starter may already end this

    variables = asked["variables"]
    if asked.get("key"):
        variables["ansible_ssh_private_key_file"] = key_file(asked["key"])

    def hear(event: dict[str, Any]) -> bool:
        words = told(event)
        if words is not None:
            tell(**words)
        return False

    cmdline, passwords = "", {}
    if asked.get("password"):
        cmdline, passwords = "--ask-pass", {r"^SSH password:\s*?$": asked["password"]}
    ended = ansible_runner.run(
        private_data_dir=asked["folder"],
        playbook=asked["playbook"],
        inventory=asked["inventory"],
        extravars=variables,
        cmdline=cmdline,
        passwords=passwords,
        suppress_env_files=True,
        event_handler=hear,
        timeout=round(asked["within_s"]),
        quiet=True,
    )
    text = (
        "" if ended.status == "successful" else Path(ended.config.artifact_dir, "stdout").read_text("utf-8", "replace")
    )
    tell(ended=ended.status, code=ended.rc, words=text[-WORDS_MOST:])
    end_all(mark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
