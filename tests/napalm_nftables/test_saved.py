"""The saved configuration with all that it includes, found as nft finds it: held to the real nft."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from napalm_nftables import NftablesDriver, saved
from tests.napalm_nftables.drivers import logged_in
from tests.napalm_nftables.firewall_node import FirewallNode

MAIN = "/etc/nftables.conf"
INCLUDING = r"""
# include "/etc/of-a-comment"
table inet site { chain c { comment "include \"/etc/of-a-text\""; } }
include "/etc/nftables.d/*.nft"
include "beside.nft"; include '/etc/with blank.nft'
table inet more { include "/etc/inside.nft" }
"""
OURS = "table inet islandmode_x {\n}\n"


def test_includes_are_found_and_what_only_speaks_of_them_is_not() -> None:
    assert saved.includes(INCLUDING, MAIN) == (
        "/etc/nftables.d/*.nft",
        "/etc/beside.nft",
        "/etc/with blank.nft",
        "/etc/inside.nft",
    )


def listed(folder: Path, *patterns: str) -> tuple[saved.SavedFile, ...]:
    """Run the command on this machine."""
    line = saved.command(tuple(f"{folder}/{pattern}" for pattern in patterns), "mark-1")
    answer = subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True).stdout
    return saved.files(answer, "mark-1")


@pytest.mark.parametrize(
    "pattern", ["*.nft", "?.nft", "[ab].nft", "[!a]*", "*", "a.nft", "o'dd $HOME;.nft", "none*", "sub/*", "*/x.nft"]
)
def test_files_are_those_that_the_real_nft_loads(tmp_path: Path, pattern: str) -> None:
    """Every file defines a table of its name, so that what nft loads can be read from what it lists."""
    names = ("b.nft", "a.nft", ".hidden.nft", "ab.nft", "o'dd $HOME;.nft", "sub/x.nft", "sub/.x.nft")
    (tmp_path / "sub").mkdir()
    for number, name in enumerate(names):
        (tmp_path / name).write_text(f"table inet t{number} {{ }}\n", encoding="ascii")
    (tmp_path / "main").write_text(f'include "{tmp_path}/{pattern}"\n', encoding="ascii")
    found = [file for file in listed(tmp_path, pattern) if file.path != f"{tmp_path}/main"]
    (tmp_path / "main").rename(tmp_path.parent / f"{tmp_path.name}-main")
    load = f"nft -f {tmp_path.parent}/{tmp_path.name}-main && nft list tables"
    loaded = subprocess.run(["unshare", "-n", "sh", "-c", load], check=False, capture_output=True, text=True)
    assert [file.text.split()[2] for file in found if file.text] == [
        line.split()[2] for line in loaded.stdout.splitlines()
    ], loaded.stderr


def test_what_is_absent_and_what_is_cut_off_are_told_apart(tmp_path: Path) -> None:
    (gone,) = listed(tmp_path, "gone.nft")
    assert (gone.text, gone.absent) == (None, True)
    assert listed(tmp_path, "gone/*.nft") == ()
    with pytest.raises(ValueError, match="not listed to their end"):
        saved.files("mark-1 file /etc/x\ntable inet t {\n", "mark-1")


def test_the_main_file_alone_is_written_as_it_is() -> None:
    main = saved.SavedFile(MAIN, "flush ruleset\n")
    more = saved.SavedFile("/etc/nftables.d/a.nft", OURS)
    assert saved.whole((main,)) == "flush ruleset\n"
    assert saved.whole((main, more)) == f"flush ruleset\n\n# included: /etc/nftables.d/a.nft\n{OURS}"


def read(driver: NftablesDriver) -> tuple[saved.SavedFile, ...]:
    return saved.read(lambda line: str(driver.cli([line])[line]), driver.firewall.saved_config)


@pytest.mark.lab
def test_a_device_s_includes_are_followed_and_what_may_not_be_read_is_said(node: FirewallNode) -> None:
    node.run(
        "cp -p /etc/nftables.conf /etc/kept; mkdir -p /etc/nftables.d /etc/shut; chmod 700 /etc/shut; "
        "echo 'include \"/etc/deep.nft\"' > /etc/nftables.d/a.nft; echo 'include \"/etc/nftables.conf\"' > /etc/deep.nft; "
        "echo 'table inet secret { }' > /etc/nftables.d/b.nft; chmod 600 /etc/nftables.d/b.nft; "
        'printf \'include "/etc/nftables.d/*.nft"\ninclude "/etc/shut/*"\ninclude "/etc/gone.nft"\n\' >> /etc/nftables.conf'
    )
    try:
        with logged_in(node) as driver:
            found = {file.path: file for file in read(driver)}
            assert set(found) == {
                MAIN,
                "/etc/nftables.d/a.nft",
                "/etc/nftables.d/b.nft",
                "/etc/shut",
                "/etc/gone.nft",
                "/etc/deep.nft",
            }
            assert [path for path, file in found.items() if file.text is None and not file.absent] == [
                "/etc/nftables.d/b.nft",
                "/etc/shut",
            ]
            assert found["/etc/gone.nft"].absent
            node.run("chmod 644 /etc/nftables.d/b.nft; chmod 755 /etc/shut")
            assert "# included: /etc/nftables.d/b.nft\ntable inet secret { }" in driver.get_config()["startup"]
            node.run("chmod 600 /etc/nftables.conf")
            (main,) = read(driver)
            assert main.text is None
            assert "Permission denied" in main.why
    finally:
        node.run("mv /etc/kept /etc/nftables.conf; rm -r /etc/nftables.d /etc/shut /etc/deep.nft")
