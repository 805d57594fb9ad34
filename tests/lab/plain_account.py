"""Rehearse as an account without rights, with a range of user ids and an empty home. Nothing of it is ever on this machine.

    unshare --mount python -m tests.lab.plain_account      as root; ends with the exit code of the first command that fails

In a mount namespace of its own /etc is a copy that knows the account, and /mnt holds its home, our code and a Python: those
that run here may lie where only root may look.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from islandmode.system.machine_state import VARIABLE
from tests.lab.drills import quick_holds

NAME, ID, RANGE = "plain", 47211, "2000000:65536"
KNOWN = {
    "passwd": f"{NAME}:x:{ID}:{ID}::/mnt/home:/bin/sh\n",
    "group": f"{NAME}:x:{ID}:\n",
    "subuid": f"{NAME}:{RANGE}\n",
    "subgid": f"{NAME}:{RANGE}\n",
}
MNT, ETC = Path("/mnt"), Path("/etc")
WORKSPACE = MNT / "home" / "my plant"
IN = ("--workspace", str(WORKSPACE))
COMMANDS = (
    ("init", str(WORKSPACE)),
    ("lab", "up", *IN),
    ("lab", "restart", "fw", *IN),
    ("run", "quarterly-isolation", "--mode", "rehearsal", *IN),
    ("lab", "down", *IN),
)
LIBRARIES = next(Path(path) for path in sys.path if path.endswith("site-packages"))
SHOWN = {
    "python": sys.base_prefix,
    f"python/{LIBRARIES.relative_to(sys.prefix)}": str(LIBRARIES),
    "source": str(Path(__file__).parents[2]),
}


def run(*argv: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(argv, check=True)


def lay_over() -> None:
    """Lay copies over the machine's folders; whole copies, since in user namespaces no folder with mounts in it is copied on."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(MNT))
    run("cp", "-a", str(ETC), str(MNT / "etc"))
    for name, line in KNOWN.items():
        with (MNT / "etc" / name).open("a", encoding="utf-8") as known:
            known.write(line)
    run("mount", "--bind", str(MNT / "etc"), str(ETC))
    for name, path in SHOWN.items():
        (MNT / name).mkdir(exist_ok=True)
        run("mount", "--rbind", path, str(MNT / name))
    # A Python looks for its library where it was built, and else takes the machine's, which may be of another version.
    (ETC / "ld.so.conf.d" / "00-plain.conf").write_text("/mnt/python/lib\n", encoding="ascii")
    run("ldconfig")
    # As where Docker keeps its containers: a mount of the machine's below a folder of which a lab has a copy.
    run("mount", "--bind", "/var/tmp", "/var/tmp")
    (MNT / "home").mkdir()
    os.chown(MNT / "home", ID, ID)


def main() -> int:
    """Run our own commands as that account, up to the first that fails; returns its exit code."""
    lay_over()
    # What it knows of runs and labs is kept in its own home, as on any machine where it has no rights.
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment = {**inherited, "HOME": str(MNT / "home"), "USER": NAME, "PYTHONPATH": "/mnt/source/src"}
    become = ["setpriv", f"--reuid={ID}", f"--regid={ID}", "--clear-groups", "--"]
    for command in COMMANDS:
        argv = [*become, str(MNT / "python" / "bin" / "python3"), "-m", "islandmode", *command]
        code = subprocess.run(argv, check=False, cwd=WORKSPACE.parent, env=environment).returncode
        if code != 0:
            return code
        if command[0] == "init":
            drill = WORKSPACE / "drills" / "quarterly-isolation.yaml"
            drill.write_text(quick_holds(drill.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
