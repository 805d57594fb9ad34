"""The wheel, built here and installed outside the clone, with what it needs but without the clone in reach."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.patience import LONG_PATIENCE_S

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """An installation of the wheel in an environment of its own."""

    wheel: Path
    environment: Path

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def run(self, *arguments: str, cwd: Path, patience_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, outside the clone and without its paths."""
        program = str(self.environment / "bin" / arguments[0])
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [program, *arguments[1:]],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env={**clean, "COLUMNS": "200"},
            timeout=patience_s,
        )


def build_and_install(folder: Path) -> Installed:
    """Build the wheel and install it, without a network: dependencies come from the environment that runs the tests."""
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(PROJECT),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=LONG_PATIENCE_S)
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = folder / "venv"
    venv.create(environment, symlinks=True)
    purelib = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment), "platbase": str(environment)}))
    # A path in a .pth file is searched, but .pth files in that path are not read: the clone's own editable
    # installation, which is such a file, stays out of reach.
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet"]
    offline = ["--no-deps", "--no-index", "--ignore-installed", "--no-compile"]
    subprocess.run([*pip, *offline, str(wheel)], check=True, capture_output=True, timeout=LONG_PATIENCE_S)
    return Installed(wheel, environment)
