"""Signatures by OpenSSH's own `ssh-keygen -Y`: made with a person's key, and checked against a list of allowed signers.

A passphrase is asked for by ssh-keygen itself, at the person's terminal; an agent is spoken to by it too. So it has the person's environment and
terminal, as nothing else here has. Checking needs neither.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from islandmode.core.text import cleaned
from islandmode.system.process import EMPTY_ENVIRONMENT

PROGRAM = "ssh-keygen"
CHECK_S = 20.0
"""How long a check may take, on the busiest of machines; one takes some milliseconds."""
WORDS_MAX = 200
MISSING = f"this machine has no {PROGRAM} (of OpenSSH 8.2 or newer), which signs and checks; install OpenSSH"


class SignatureTrouble(Exception):
    """Why nothing could be signed or checked, as a clause."""


@dataclass(frozen=True)
class Signed:
    """A signature that holds. `person` is who the allowed signers say made it; empty where none of them did."""

    person: str


@dataclass(frozen=True)
class Allowed:
    """Who is said to have signed, what for, and the files that say who may."""

    signers: Path
    revoked: Path
    principal: str
    namespace: str


def sign(data: bytes, key: Path, namespace: str) -> bytes:
    """Sign with a private key, or by an agent with the public key that is named; raises `SignatureTrouble`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signed"
        file.write_bytes(data)
        argv = [PROGRAM, "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(file)]
        try:
            # Its standard input and terminal are the person's, who may have to type a passphrase.
            done = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_persons())
        except OSError:
            raise SignatureTrouble(MISSING) from None
        made = file.with_name(f"{file.name}.sig")
        if done.returncode or not made.is_file():
            raise SignatureTrouble(_words(done.stderr) or f"{PROGRAM} ended with exit code {done.returncode}")
        return made.read_bytes()


def signer(data: bytes, signature: bytes, allowed: Path, namespace: str, at: datetime) -> Signed:
    """Check a signature as of a moment; raises `SignatureTrouble` where it does not hold at all, or nothing can be checked."""
    with tempfile.TemporaryDirectory() as folder:
        signed = Path(folder) / "signed.sig"
        signed.write_bytes(signature)
        valid = _checked(("check-novalidate", "-n", namespace, "-s", str(signed)), data)
        if valid.returncode:
            raise SignatureTrouble(f"the signature does not belong to it, or was not made for {namespace}")
        if not allowed.is_file():
            return Signed("")
        when = f"-Overify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"
        found = _checked(("find-principals", "-s", str(signed), "-f", str(allowed), when), data)
        for person in found.stdout.decode("utf-8", "replace").splitlines() if not found.returncode else ():
            words = ("verify", "-f", str(allowed), "-I", person, "-n", namespace, "-s", str(signed), when)
            if not _checked(words, data).returncode:
                return Signed(cleaned(person.strip())[:WORDS_MAX])
        return Signed("")


def verified(data: bytes, signature: bytes, by: Allowed, at: datetime) -> bool:
    """Ask ssh-keygen whether a signature is a principal's, with a key that may sign that at a moment and is not revoked; raises `SignatureTrouble`."""
    with tempfile.TemporaryDirectory() as folder:
        signed = Path(folder) / "signed.sig"
        signed.write_bytes(signature)
        when = f"-Overify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"
        words = ("verify", "-f", str(by.signers), "-I", by.principal, "-n", by.namespace, "-r", str(by.revoked))
        return not _checked((*words, "-s", str(signed), when), data).returncode


def _checked(words: tuple[str, ...], data: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [PROGRAM, "-Y", *words],
            check=False,
            input=data,
            capture_output=True,
            # The moment of a signature is given in UTC.
            env=EMPTY_ENVIRONMENT | {"TZ": "UTC"},
            timeout=CHECK_S,
            start_new_session=True,
        )
    except OSError:
        raise SignatureTrouble(MISSING) from None
    except subprocess.TimeoutExpired:
        raise SignatureTrouble(f"the signature could not be checked within {CHECK_S:g} s") from None


def _persons() -> dict[str, str]:
    """Give what ssh-keygen needs to ask a person, and their agent; nothing else of the shell's environment."""
    given = ("HOME", "TERM", "DISPLAY", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE")
    return EMPTY_ENVIRONMENT | {name: os.environ[name] for name in given if name in os.environ}


def _words(said: bytes) -> str:
    # Without a terminal the question stands before the answer to it.
    said = said.replace(b"Enter passphrase: ", b"")
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    # A private key that others can read is named first, and at the end ssh-keygen calls it missing.
    told = next((line for line in lines if line.endswith("are too open.")), lines[-1] if lines else "")
    return cleaned(told)[:WORDS_MAX].rstrip(".")
