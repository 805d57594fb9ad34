"""Bad values of other ways, and of targets that stand for another address, and exactly what is said of each."""

from __future__ import annotations

from tests.store.rows_catalog import ADDRESS, MAPPING, NAME, PACK, SITE, Row

BEFORE = "isolation_points:"
MODEM = "other_ways:\n  modem: {round: office-line, what: modem in cabinet 4"
OFFICE_PLC = "target: 10.0.2.7, port: 503}"


def ways(text: str, said: str) -> Row:
    """Write other ways before the isolation points."""
    return SITE, BEFORE, f"{text}\n{BEFORE}", f"inventory/north.yaml:{said}"


def probe(text: str, said: str) -> Row:
    """Write more of the severed probe."""
    return PACK, OFFICE_PLC, f"{OFFICE_PLC[:-1]}, {text}}}", f"probes/line.yaml:{said}"


OTHER_WAYS: dict[str, Row] = {
    "no owner": ways(f"{MODEM}}}", '20:10: The key "owner" is missing here; add it.'),
    "nobody as owner": ways(
        f'{MODEM}, owner: ""}}', '20:64: "owner" must be words, from 1 to 200 characters; found "".'
    ),
    "nothing that it leads round": ways(
        "other_ways:\n  modem: {what: modem, owner: IT}", '20:10: The key "round" is missing here; add it.'
    ),
    "an unknown key": ways(
        f"{MODEM}, owner: IT, trough: x}}", '20:68: Unknown key "trough". Known keys: between, owner, round, what.'
    ),
    "one zone": ways(f"{MODEM}, owner: IT, between: [office]}}", '20:77: "between" must have at least 2 items.'),
    "a list of ways": ways("other_ways: [modem]", f'19:13: "other_ways" must be {MAPPING}; found a list.'),
    "a name that no way can have": ways(
        f"{MODEM.replace('modem:', 'The Modem:')}, owner: IT}}", f'20:3: "The Modem" must be {NAME}.'
    ),
    "by what is no name": probe("by: [modem]", '13:75: "by" must be text; found a list.'),
    "stands for a name": probe(
        "stands_for: plc.example", f'13:83: "stands_for" must be {ADDRESS}; found "plc.example".'
    ),
    "stands for itself": probe(
        "stands_for: 10.0.2.7",
        '13:83: "stands_for" must differ from target; where no device translates the address, leave it out; found "10.0.2.7".',
    ),
    "stands for another family": probe(
        'stands_for: "fd10:10::1"', '13:83: "stands_for" must be an IPv4 address, as target is; found "fd10:10::1".'
    ),
    "stands for one interface's": probe(
        'stands_for: "fe80::1%eth0"',
        '13:83: "stands_for" must be an address without "%" and an interface; found "fe80::1%eth0".',
    ),
}
