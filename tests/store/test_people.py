"""The people of a workspace: what is read of them, and what is refused, with its place."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.signers import read_revoked
from islandmode.store.people import folder_of, load_people, people_read
from islandmode.ui.program import command
from tests.signing import PERSONS, TWO_PEOPLE, VALID, Keys, make_people, people_yaml, person_yaml

MINIMAL = Path(__file__).parents[2] / "docs" / "minimal"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    workspace = tmp_path_factory.mktemp("people")
    keys = Keys(workspace / "keys")
    make_people(workspace, keys)
    keys.make("second")
    return workspace, keys


@pytest.fixture
def workspace(made: tuple[Path, Keys], tmp_path: Path) -> Path:
    shutil.copytree(folder_of(made[0]), folder_of(tmp_path))
    return tmp_path


@pytest.fixture
def keys(made: tuple[Path, Keys]) -> Keys:
    return made[1]


def complaints(workspace: Path) -> list[str]:
    return [str(error) for error in people_read(workspace).errors]


def write(workspace: Path, name: str, text: str) -> None:
    (folder_of(workspace) / name).write_text(text, encoding="utf-8")


def signers(workspace: Path) -> str:
    return (folder_of(workspace) / "allowed_signers").read_text(encoding="utf-8")


def test_people_are_read_with_their_keys_and_policy(workspace: Path) -> None:
    people = load_people(workspace)
    assert tuple(people.persons) == tuple(PERSONS)
    assert people.in_role("plant-operations") == ("shift-lead", "plant-manager")
    assert [people.owner_of(signer.principal) for signer in people.signers] == list(PERSONS)
    assert people.owner_of("nobody@riverside") == ""
    assert people.policy.ages.rehearsal == 90 * 86400


AFTER = 20 + len(VALID) + 1
"""The column behind the options."""
SIGNERS_REFUSED = {
    "a pattern in a principal": ("*@riverside {valid} {key}", 1, "*@riverside is a pattern or a list"),
    "two principals": ("engineer@riverside,x@riverside {valid} {key}", 1, "is a pattern or a list"),
    "no options at all": ("engineer@riverside {key}", 20, "There is no namespaces here"),
    "no namespaces": ('engineer@riverside valid-before="20400101Z" {key}', 20, "There is no namespaces here"),
    "no valid-before": ('engineer@riverside namespaces="go@islandmode" {key}', 20, "There is no valid-before here"),
    "a pattern in a namespace": (
        'engineer@riverside namespaces="*",valid-before="20400101Z" {key}',
        20,
        "* is a pattern",
    ),
    "a certificate authority": (
        "engineer@riverside cert-authority,{valid} {key}",
        20,
        "would trust keys that do not stand here",
    ),
    "a local time": (
        'engineer@riverside namespaces="go@islandmode",valid-before="20400101" {key}',
        47,
        "valid-before 20400101 is no time in UTC",
    ),
    "no time": (
        'engineer@riverside namespaces="go@islandmode",valid-before="20401301Z" {key}',
        47,
        "valid-before 20401301Z is no time in UTC",
    ),
    "an end before its beginning": (
        'engineer@riverside namespaces="go@islandmode",valid-before="20400101Z",valid-after="20410101Z" {key}',
        47,
        "valid-before is not later than valid-after",
    ),
    "an option that ssh-keygen lacks": (
        "engineer@riverside verify-required,{valid} {key}",
        20,
        "verify-required is not read here",
    ),
    "an option twice": ('engineer@riverside {valid},namespaces="x" {key}', AFTER, "namespaces stands here twice"),
    "a key of another type": (
        "engineer@riverside {valid} ssh-dss AAAA",
        AFTER,
        "ssh-dss is no key type that is taken here",
    ),
    "what is no key": (
        "engineer@riverside {valid} ssh-ed25519 AAAA",
        AFTER + 12,
        "What follows ssh-ed25519 is no key of that type",
    ),
    "two spaces": ("engineer@riverside  {valid} {key}", 1, "Its parts are not parted by one space each"),
    "a principal that nobody has": (
        "nobody@riverside {valid} {key}",
        1,
        "Principal nobody@riverside belongs to nobody",
    ),
}


@pytest.mark.parametrize("what", SIGNERS_REFUSED)
def test_a_line_that_would_let_more_sign_than_it_shows_is_refused(workspace: Path, keys: Keys, what: str) -> None:
    line, column, sentence = SIGNERS_REFUSED[what]
    others = "".join(signers(workspace).splitlines(keepends=True)[1:])
    write(
        workspace,
        "allowed_signers",
        f"# The engineer\n{line.format(valid=VALID, key=keys.public('engineer'))}\n{others}",
    )
    found = [told for told in complaints(workspace) if sentence in told]
    assert len(found) == 1, complaints(workspace)
    assert found[0].startswith(f"inventory/people/allowed_signers:2:{column}: ")
    with pytest.raises(InputError):
        load_people(workspace)


@pytest.mark.parametrize(("bits", "said"), [(1024, 1), (2048, 0)])
def test_an_rsa_key_that_is_too_short_is_refused(tmp_path: Path, bits: int, said: int) -> None:
    argv = ("ssh-keygen", "-q", "-t", "rsa", "-b", str(bits), "-N", "", "-f", str(tmp_path / "rsa"))
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    _, bad = read_revoked((tmp_path / "rsa.pub").read_text(encoding="ascii"))
    assert [line.sentence for line in bad] == [
        "This RSA key has fewer than 2048 bits; take another, best ssh-ed25519."
    ] * said


def test_a_key_of_one_person_is_no_key_of_another(workspace: Path, keys: Keys) -> None:
    write(workspace, "allowed_signers", signers(workspace).replace(keys.public("shift-lead"), keys.public("engineer")))
    assert complaints(workspace) == [
        "inventory/people/allowed_signers:2:1: This key is already engineer@riverside's, in line 1; a key signs for one person."
    ]


def test_a_principal_belongs_to_one_person(workspace: Path) -> None:
    twice = person_yaml("second", "Deputy", ("ot-engineering",), ("Engineer@riverside",))
    write(workspace, "people.yaml", people_yaml() + twice)
    (told, lacks) = complaints(workspace)
    assert told == (
        "inventory/people/people.yaml:31:18: Principal Engineer@riverside already belongs to engineer; a key signs for one person."
    )
    assert "Principal Engineer@riverside has no line in allowed_signers" in lacks


def test_a_person_stands_under_one_name(workspace: Path, keys: Keys) -> None:
    again = person_yaml("second", "ot  ENGINEER", ("ot-security",))
    write(workspace, "people.yaml", people_yaml() + again)
    write(workspace, "allowed_signers", f"{signers(workspace)}second@riverside {VALID} {keys.public('second')}\n")
    assert complaints(workspace) == [
        "inventory/people/people.yaml:27:11: The ot  engineer of Riverside is already engineer; a person stands here once, with all roles and keys."
    ]


def test_a_role_that_the_policy_asks_for_has_somebody(workspace: Path) -> None:
    persons = {key: (position, ("ot-engineering",)) for key, (position, _) in PERSONS.items()}
    write(workspace, "people.yaml", people_yaml(persons))
    assert complaints(workspace) == [
        "inventory/people/people.yaml:2:3: Nobody here has role plant-operations, which the policy asks for; give it to a person."
    ]


def test_revoked_keys_are_a_list_that_people_can_read(workspace: Path, keys: Keys) -> None:
    write(workspace, "revoked_keys", f"# lost on the train\n{keys.public('engineer')} engineer\n")
    assert [key.told for key in load_people(workspace).revoked] == [keys.public("engineer")]
    write(workspace, "revoked_keys", "serial: 7\n")
    assert complaints(workspace)[0].startswith("inventory/people/revoked_keys:1:1: serial: is no key type")
    (folder_of(workspace) / "revoked_keys").write_bytes(b"SSHKRL\n\0\xff\xfe")
    assert "This is no text; write one public key a line" in complaints(workspace)[0]
    (folder_of(workspace) / "revoked_keys").unlink()
    assert complaints(workspace) == [
        "inventory/people/revoked_keys: There is no such file, and signatures are checked by it; without any revoked key it is an empty file."
    ]


@pytest.mark.parametrize("name", ["people.yaml", "allowed_signers", "policy.yaml"])
def test_no_file_of_them_may_be_missing(workspace: Path, name: str) -> None:
    (folder_of(workspace) / name).unlink()
    (told,) = complaints(workspace)
    assert told.startswith(f"inventory/people/{name}: ")


LOOSER = {
    "fewer roles": ("live: {signed_by: [ot-security]}", "plant-operations does not sign here"),
    "fewer persons": ("live: {persons_while_running: 2}", "persons_while_running is less than 3 here"),
    "another role says go": ("go: [ot-engineering]", "ot-engineering may not say go in the base"),
    "a weaker undo": ("undo_tier: C", "undo_tier C is weaker than B"),
    "an older rehearsal": ("ages: {rehearsal: 91 d}", "rehearsal is more than 90 d here"),
    "an older approval": ("expire_after: 15 d", "expire_after is more than 14 d here"),
    "paper of anybody": ("paper: [ot-security]", "A paper form of ot-security does not count under policy two-people"),
    "a blackout backwards": (
        'blackouts: [{from: "2027-01-02T00:00:00Z", until: "2027-01-01T00:00:00Z", why: no}]',
        "The blackout ends before it begins",
    ),
    "a blackout in local time": (
        'blackouts: [{from: "2027-01-02T00:00:00", until: "2027-01-03T00:00:00Z", why: no}]',
        'must be a time with its zone, such as "2027-01-09T06:00:00Z"',
    ),
    "an unknown base": ("", '"base" must be "two-people" or "strict"; found "lax"'),
    "an age in no unit": ("ages: {rehearsal: 30}", "be a duration with its unit"),
    "an age without bound": ("ages: {rehearsal: 500 d}", '"rehearsal" must be at most 400 d'),
    "an unknown key": ("aproved_by: x", 'Unknown key "aproved_by"'),
}


@pytest.mark.parametrize("what", LOOSER)
def test_a_policy_may_only_tighten_its_base(workspace: Path, what: str) -> None:
    line, sentence = LOOSER[what]
    write(workspace, "policy.yaml", f"{TWO_PEOPLE}{line}\n" if line else "base: lax\n")
    (told,) = complaints(workspace)
    assert told.startswith("inventory/people/policy.yaml:")
    assert sentence in told


def test_strict_asks_for_more_and_takes_no_less(workspace: Path) -> None:
    write(workspace, "policy.yaml", "base: strict\n")
    policy = load_people(workspace).policy
    assert (policy.live.signed_by, policy.live.persons, policy.hardware) == (
        ("plant-operations", "ot-security"),
        3,
        True,
    )
    write(workspace, "policy.yaml", "base: strict\nhardware: false\npaper: [plant-operations]\n")
    assert [told.split(": ", 1)[1] for told in complaints(workspace)] == [
        "A paper form of plant-operations does not count under policy strict (of nobody at most); take it out.",
        "Keys without hardware would count here, and policy strict may only be tightened; take this line out.",
    ]


def test_the_digest_is_over_what_is_meant(workspace: Path, keys: Keys) -> None:
    first = load_people(workspace).digest
    write(
        workspace,
        "allowed_signers",
        "# sorted anew\n" + "".join(reversed(signers(workspace).splitlines(keepends=True))),
    )
    assert load_people(workspace).digest == first
    write(workspace, "policy.yaml", "base: two-people\nages: {rehearsal: 90 d}\n")
    assert load_people(workspace).digest == first
    seen = {first}
    for name, text in (
        ("policy.yaml", "base: two-people\nages: {rehearsal: 89 d}\n"),
        ("revoked_keys", f"{keys.public('second')}\n"),
        ("allowed_signers", signers(workspace).replace("20400101Z", "20390101Z", 1)),
        ("people.yaml", people_yaml().replace("plant-management", "ot-security")),
    ):
        write(workspace, name, text)
        seen.add(load_people(workspace).digest)
    assert len(seen) == 5


def test_validate_says_what_is_wrong_with_the_people_and_what_is_good(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(MINIMAL, workspace, dirs_exist_ok=True, ignore=shutil.ignore_patterns("people"))
    assert command(["validate", "-w", str(workspace)]) == 0
    said = capsys.readouterr().out
    for line in (
        "people.yaml: good. 4 persons.",
        "allowed_signers: good. 4 lines.",
        "revoked_keys: good. 0 revoked keys.",
        f"policy.yaml: good. Base two-people, 1 signing role, people digest {load_people(workspace).digest}.",
    ):
        assert f"inventory/people/{line}\n" in said
    write(workspace, "policy.yaml", f"{TWO_PEOPLE}undo_tier: C\n")
    for words in ((), (str(folder_of(workspace) / "policy.yaml"),)):
        with pytest.raises(InputError, match=r"inventory/people/policy.yaml:2:12: undo_tier C is weaker than B"):
            command(["validate", *words, "-w", str(workspace)])


@pytest.mark.parametrize("name", ["allowed_signers", "revoked_keys"])
@pytest.mark.parametrize(
    ("encoded", "sentence"),
    [
        (lambda text: text.replace("\n", "\r\n").encode(), "The lines end as on Windows (CRLF); save the file"),
        (
            lambda text: text.encode("utf-8-sig"),
            "The file begins with a byte order mark, which ssh-keygen does not read",
        ),
        (lambda text: text.encode("utf-16"), "This is UTF-16 text; save the file as UTF-8."),
    ],
    ids=["crlf", "bom", "utf-16"],
)
def test_a_file_as_an_editor_on_windows_leaves_it_is_one_complaint(
    workspace: Path, keys: Keys, name: str, encoded: Callable[[str], bytes], sentence: str
) -> None:
    text = signers(workspace) if name == "allowed_signers" else f"{keys.public('second')}\n"
    (folder_of(workspace) / name).write_bytes(encoded(text))
    (told,) = complaints(workspace)
    assert told.startswith(f"inventory/people/{name}: {sentence}")


def test_a_file_behind_a_link_is_said_to_be_one(workspace: Path) -> None:
    path = folder_of(workspace) / "revoked_keys"
    path.symlink_to(path.rename(path.with_name("elsewhere")))
    (told,) = complaints(workspace)
    assert (
        told == "inventory/people/revoked_keys: The file cannot be read (it is a symbolic link, which is not followed)."
    )
