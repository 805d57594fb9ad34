"""References to secrets: what is taken, and what is refused without a word of what stands there."""

from __future__ import annotations

import pytest

from islandmode.core.secret_reference import argv_of, expected_of, shown

CANARY = "hunter2-canary"
VAULT = (
    "vault: and a file, # and a key in it, and the word with before a reference to the vault's password, such as "
    "vault:inventory/passwords.yml#firewall with file:vault-password"
)
ANY = "a reference, env:NAME, file:PATH, systemd:NAME, command:PROGRAM, vault:PATH#KEY with REFERENCE, or lab:NAME"
VARIABLE = "env: and the name of a variable, of letters, digits and _"
CREDENTIAL = "systemd: and the name of a credential, of letters, digits and . _ - @, as in LoadCredential=NAME:PATH"
PROGRAM = (
    "command: and the absolute path of a program with its arguments, such as command:/usr/bin/pass show plant/firewall"
)
QUOTES = "command: and words in which every quote is closed"


@pytest.mark.parametrize(
    "reference",
    [
        "env:FIREWALL_PASSWORD",
        "file:secrets/fw of line 3",
        "file:/etc/islandmode/firewall.key",
        "lab:conduit-firewall",
        "systemd:firewall-password",
        "systemd:fw@line3.password",
        f"systemd:{'x' * 255}",
        "command:/usr/bin/pass show plant/firewall",
        'command: "/opt/our tools/secret" "two words"',
        "command:/usr/bin/printf a:b",
        "vault:inventory/all passwords.yml#edge.firewall_1 with file:vault-password",
        "vault:/etc/plant.yml#k with command:/usr/bin/pass show plant/vault",
    ],
)
def test_a_reference_that_can_name_a_secret_is_taken(reference: str) -> None:
    assert expected_of(reference) is None


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (CANARY, ANY),
        ("", ANY),
        ("env:", ANY),
        (f"pass:{CANARY}", ANY),
        (f"vault:{CANARY}", VAULT),
        (f"vault:a.yml#{CANARY}", VAULT),
        (f"vault:a.yml#k with {CANARY}", VAULT),
        (f"vault:a.yml#k with lab:{CANARY}", VAULT),
        (f"vault:a.yml#k with vault:b.yml#{CANARY} with file:c", VAULT),
        (f"vault:#k with file:{CANARY}", VAULT),
        (f"vault:a.yml#k with command:{CANARY}", f"vault: and, after the word with, {PROGRAM}"),
        (f"env:{CANARY}", VARIABLE),
        ("env:2FW", VARIABLE),
        (f"env:FW\n{CANARY}", "env: and printable characters, on one line"),
        (f"file:a\0{CANARY}", "file: and printable characters, on one line"),
        ("file:\ud800", "file: and printable characters, on one line"),
        (f"command:/usr/bin/pass\n{CANARY}", "command: and printable characters, on one line"),
        (f"systemd:../{CANARY}", CREDENTIAL),
        (f"systemd:.{CANARY}", CREDENTIAL),
        (f"systemd:fw:{CANARY}", CREDENTIAL),
        (f"systemd:{'x' * 256}", CREDENTIAL),
        (f"command:pass show {CANARY}", PROGRAM),
        (f"command:./pass {CANARY}", PROGRAM),
        (f"command:~/bin/pass {CANARY}", PROGRAM),
        ("command: ", PROGRAM),
        (f"command:/usr/bin/pass '{CANARY}", QUOTES),
        (f"command:/usr/bin/pass {CANARY}\\", QUOTES),
    ],
)
def test_what_can_name_no_secret_is_refused_and_not_repeated(reference: str, expected: str) -> None:
    assert expected_of(reference) == expected
    assert CANARY not in expected


def test_no_shell_reads_the_words_of_a_program() -> None:
    words = '/usr/bin/pass show \'plant firewall\' $HOME *.key; `id` | head "a\\"b"'
    assert argv_of(words) == (
        "/usr/bin/pass", "show", "plant firewall", "$HOME", "*.key;", "`id`", "|", "head", 'a"b',
    )  # fmt: skip


def test_a_program_is_shown_without_its_arguments() -> None:
    assert shown(f"command:/usr/bin/pass --token {CANARY}") == "command:/usr/bin/pass"
    assert shown("systemd:firewall") == "systemd:firewall"
