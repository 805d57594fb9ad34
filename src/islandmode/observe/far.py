"""What a far host is asked for by SSH, as one file that needs only Python 3.9: the worker and the three things asked of its host.

    python3 -I worker.pyz [--spool FOLDER] run RUN VANTAGE SHA256        as observe/worker.py; the file must have that sum
    python3 -I worker.pyz [--spool FOLDER] look RUN VANTAGE              as observe/last_words.py
    python3 -I worker.pyz [--spool FOLDER] collect RUN VANTAGE           as observe/worker_host.py
    python3 -I worker.pyz [--spool FOLDER] forget RUN VANTAGE            takes the spool away, once its run has it
    python3 -I worker.pyz [--spool FOLDER] serve                         one of these four, as the login asks for it
    python3 worker.pyz kit                                               by a person, in the folder of a kit: as observe/kit.py

`serve` is for a key that may do nothing else (authorized_keys: restrict,command="python3 -I .../worker.pyz serve"). Spools lie in
~/.cache/islandmode/spools, which only this account can enter, or in FOLDER.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from typing import NoReturn

from islandmode.observe import kit, last_words, worker, worker_host
from islandmode.observe.looks import LOOKS

SPOOLS = "~/.cache/islandmode/spools"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ASKED_FOR = "SSH_ORIGINAL_COMMAND"
SERVE = "serve"


def refuse(why: str) -> NoReturn:
    """Say why nothing is done here, as a worker does that does not start."""
    sys.exit(worker.say(why))


def sum_of(path: str) -> str:
    """Give the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def run(folder: str, wanted: str = "") -> None:
    """Start the worker, unless this file is not the one that the run was planned with."""
    if sum_of(sys.argv[0]) != wanted:
        refuse("the worker that is installed there is of another version; install that of this version")
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        worker.run(folder, LOOKS)
    except OSError as error:
        # Of what is said once it samples, nobody hears.
        refuse("%s cannot be written (%s)" % (folder, error.strerror))


def forget(folder: str) -> None:
    """Take a spool away, unless its worker lives."""
    if worker_host.living(folder):
        refuse("its worker lives")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        os.rmdir(os.path.dirname(folder))
    except OSError:
        return  # Another vantage of the same run has its spool there.


VERBS: dict[str, Callable[..., None]] = {
    "run": run,
    "look": last_words.main,
    "collect": worker_host.collect,
    "forget": forget,
}


def do(words: list[str], spools: str) -> None:
    """Do one of the four; what is not exactly one of them is refused."""
    if len(words) < 3 or words[0] not in VERBS or len(words) > (4 if words[0] == "run" else 3):
        refuse("run, look, collect and forget are all that can be asked for here")
    if not all(NAME.fullmatch(word) for word in words[1:]):
        refuse("the run or the vantage has a name that no run or vantage can have")
    os.umask(0o077)
    base = os.path.expanduser(spools)
    try:
        os.makedirs(base, mode=0o700, exist_ok=True)
    except OSError as error:
        refuse("the folder for samples, %s, cannot be made there (%s)" % (base, error.strerror))
    VERBS[words[0]](os.path.join(base, words[1], words[2]), *words[3:])


def main() -> None:
    """Do what the command line says, or what the login asks for."""
    words, spools = sys.argv[1:], SPOOLS
    if not words:
        refuse("what to do is missing: kit, in the folder of a kit, or serve, in authorized_keys")
    if words == ["kit"]:
        # Not one of the four: no login can ask for it.
        kit.run(os.path.dirname(os.path.abspath(sys.argv[0])))
        return
    if len(words) > 1 and words[0] == "--spool":
        spools, words = words[1], words[2:]
    if words == [SERVE]:
        words = os.environ.get(ASKED_FOR, "").split()
    do(words, spools)
