"""Files that ansible-vault encrypted, read without Ansible: a restore must have its secrets where no Ansible is, or one that is broken.

The format is `$ANSIBLE_VAULT` 1.1 and 1.2: AES-256 in counter mode, keys and counter by PBKDF2 (SHA-256, 10000 rounds), and an HMAC over what is
encrypted. Nothing of a file is said in any error.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import textwrap
from binascii import unhexlify

HEADER = re.compile(r"\$ANSIBLE_VAULT;1\.[12];AES256(?:;[^\n;]*)?\r?\n")
ROUNDS = 10_000
KEY_BYTES, COUNTER_BYTES = 32, 16
PLAIN_BEGINS = re.compile(r"[^\s&*!|>%@`{}\[\]\"',#?-]|[?-]\S")
"""How a text begins that YAML takes as it stands, without quotes."""


class VaultTrouble(Exception):
    """Why a vault gives no secret; it goes on after the file's name."""


def opened(text: str, password: str) -> str:
    """Decrypt a whole file; `VaultTrouble` where ansible-vault did not write it, or the password is another."""
    found = HEADER.match(text)
    if found is None:
        raise VaultTrouble("is not encrypted by ansible-vault; encrypt it: ansible-vault encrypt FILE")
    try:
        salt, code, sealed = (
            unhexlify(part) for part in unhexlify("".join(text[found.end() :].split())).split(b"\n", 2)
        )
    except ValueError:
        raise VaultTrouble("is damaged: what follows its first line is not what ansible-vault writes") from None
    keys = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS, 2 * KEY_BYTES + COUNTER_BYTES)
    cipher_key, code_key, counter = keys[:KEY_BYTES], keys[KEY_BYTES : 2 * KEY_BYTES], keys[2 * KEY_BYTES :]
    if not hmac.compare_digest(hmac.new(code_key, sealed, hashlib.sha256).digest(), code):
        raise VaultTrouble("does not open with that vault password: it is another, or the file is damaged")
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415 - few secrets lie in a vault
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.modes import CTR  # noqa: PLC0415 - as above

    unsealing = Cipher(AES(cipher_key), CTR(counter)).decryptor()
    padded = unsealing.update(sealed) + unsealing.finalize()
    try:
        return padded[: len(padded) - padded[-1]].decode("utf-8")
    except (IndexError, UnicodeDecodeError):
        raise VaultTrouble("holds what is not UTF-8 text") from None


def value_of(text: str, key: str) -> str:
    """Give the value of a key at the outermost level of YAML; always as text, also where it looks like a number."""
    line = re.search(
        rf"^(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')[ \t]*:[ \t]*(?P<said>.*?)[ \t\r]*$",
        text,
        re.MULTILINE,
    )
    if line is None:
        raise VaultTrouble(f"has no key {key} at its outermost level")
    said = line["said"]
    if re.fullmatch(r"\|[+-]?(?:[ \t]+#.*)?", said):
        block = re.match(r"(?:[ \t]+\S.*\n?|[ \t]*\r?\n)*", text[line.end() + 1 :])
        return textwrap.dedent(block[0] if block is not None else "").rstrip("\n")
    quoted = re.fullmatch(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')(?:[ \t]+#.*)?", said)
    if quoted is not None:
        return _unquoted(quoted[1], key)
    if not PLAIN_BEGINS.match(said):
        raise VaultTrouble(f"has under {key} what is no text on one line, in quotes, or after |")
    return re.split(r"[ \t]+#", said, maxsplit=1)[0]


def _unquoted(quoted: str, key: str) -> str:
    if quoted.startswith("'"):
        return quoted[1:-1].replace("''", "'")
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise VaultTrouble(
            f"has under {key} an escape that is not read here; write the text in single quotes"
        ) from None
