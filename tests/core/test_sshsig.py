"""OpenSSH's signatures, taken apart: whatever stands in a file, it is a signature in its one form, or refused in words."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.sshsig import BEGIN, BadSignature, SshSignature, armoured, read_signature
from tests.signing import FIDO, FakeFido, text

GOOD = FakeFido.make().sign(b"words", "approval@islandmode", 0x05, 9)
RAW = base64.b64decode(b"".join(GOOD.splitlines()[1:-1]))


def test_a_signature_says_its_key_its_purpose_and_its_flags() -> None:
    read = read_signature(GOOD)
    assert (read.namespace, read.hash, read.flags, read.counter) == ("approval@islandmode", "sha512", 5, 9)
    assert (read.key.kind, read.key.is_hardware, read.untouched) == (FIDO.decode(), True, "")


ABOUT = text(b"approval@islandmode")
SPOILT = {
    "nothing": (b"", "it is not as ssh-keygen writes a signature"),
    "no Base64": (BEGIN + b"!\n-----END SSH SIGNATURE-----\n", "it is not as ssh-keygen writes a signature"),
    "another magic": (armoured(b"SSHSIX" + RAW[6:]), "it is no signature of OpenSSH"),
    "another version": (armoured(RAW[:6] + (2).to_bytes(4, "big") + RAW[10:]), "it is no signature of OpenSSH"),
    "something behind it": (armoured(RAW + b"\0"), "something follows its end"),
    "cut": (armoured(RAW[:-1]), "it ends too early"),
    "reserved words": (
        armoured(RAW.replace(ABOUT + text(b""), ABOUT + text(b"x"))),
        "it uses what OpenSSH's own signatures do not",
    ),
    "another hash": (armoured(RAW.replace(b"sha512", b"sha513")), "it uses what OpenSSH's own signatures do not"),
    "a key of no known type": (
        armoured(RAW.replace(FIDO, b"xx-ssh-ed25519@openssh.com")),
        "its key is of a type that is not taken here, xx-ssh-ed25519@openssh.com",
    ),
    "a kind that is not its key's": (
        armoured(RAW[::-1].replace(FIDO[::-1], b"sk-ssh-ed25518@openssh.com"[::-1], 1)[::-1]),
        "its kind does not fit its key",
    ),
    "length": (GOOD * 40, "it is longer than any signature"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_no_signature_is_refused_in_words(what: str) -> None:
    data, words = SPOILT[what]
    with pytest.raises(BadSignature) as refused:
        read_signature(data)
    assert str(refused.value) == words


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_byte_that_differs_is_another_signature_or_none(place: int, by: int) -> None:
    changed = bytearray(RAW)
    changed[place] ^= by
    try:
        read = read_signature(armoured(bytes(changed)))
    except BadSignature:
        return
    assert isinstance(read, SshSignature)


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_in_two_forms(data: bytes) -> None:
    try:
        read_signature(data)
    except BadSignature:
        return
    raise AssertionError(data)
