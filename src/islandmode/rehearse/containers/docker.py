"""Docker, through its own command line: the lab's containers, asked and entered. Nothing here makes or removes one."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from islandmode.core.errors import Refused

API_LEAST = (1, 41)
"""Docker 20.10: the oldest that was tried."""
ANSWER_S = 20.0
HOME = ("HOME", "XDG_RUNTIME_DIR")
"""Where Docker's client finds which engine is meant, beside variables of its own name."""
LAB_LABEL, LAB_DIR_LABEL, NODE_LABEL = "containerlab", "clab-node-lab-dir", "clab-node-name"


def ask(*words: str, given: str | None = None, within_s: float = ANSWER_S) -> subprocess.CompletedProcess[str]:
    """Run a docker command and return its result, success or failure; raises `Refused` where there is no Docker or no answer."""
    try:
        return subprocess.run(
            ["docker", *words], input=given, capture_output=True, text=True, check=False, timeout=within_s
        )
    except FileNotFoundError:
        raise Refused("Docker is not installed; install it, or rehearse with --backend namespaces.") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"Docker did not answer within {within_s:g} s; see whether its service hangs.") from None


def check() -> None:
    """Refuse without a Docker that is new enough and that this account may use."""
    asked = ask("version", "--format", "{{.Server.APIVersion}} {{.Server.Version}}")
    if asked.returncode != 0:
        said = asked.stderr.strip().splitlines()
        why = said[-1] if said else "it said nothing"
        if "permission denied" in asked.stderr:
            raise Refused(f"This account may not use Docker ({why}); use root, or an account of the group docker.")
        raise Refused(f"Docker does not answer ({why}); start its service, or rehearse with --backend namespaces.")
    api, _, version = asked.stdout.strip().partition(" ")
    if tuple(int(part) for part in api.split(".")) < API_LEAST:
        raise Refused(f"Docker {version} is too old; 20.10 or newer is needed.")


def has_image(image: str) -> bool:
    """Tell whether an image is on this machine."""
    return ask("image", "inspect", "--format", "{{.Id}}", image).returncode == 0


def containers_of(lab: str, within_s: float = ANSWER_S) -> dict[str, dict[str, Any]]:
    """Give what Docker knows of a lab's containers, running or not, by node; of every lab of that name."""
    listed = ask("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={LAB_LABEL}={lab}", within_s=within_s)
    if listed.returncode != 0:
        raise Refused(f"Docker does not list its containers: {listed.stderr.strip()}")
    return {container["Config"]["Labels"][NODE_LABEL]: container for container in _inspect(listed.stdout.split())}


def is_containerlabs_network(network: str) -> bool:
    """Tell whether there is a network of that name and containerlab made it: it marks its own."""
    asked = ask("network", "inspect", "--format", "{{json .Labels}}", network)
    return asked.returncode == 0 and LAB_LABEL in (json.loads(asked.stdout) or {})


def _inspect(containers: list[str]) -> list[dict[str, Any]]:
    if not containers:
        return []
    asked = ask("inspect", *containers)
    if asked.returncode != 0:
        raise Refused(f"Docker does not say what became of the lab's containers: {asked.stderr.strip()}")
    try:
        found: list[dict[str, Any]] = json.loads(asked.stdout)
    except ValueError:
        raise Refused("Docker's answer on the lab's containers cannot be read.") from None
    return found


def enter(container: str, argv: tuple[str, ...], *, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    """Give the command line that runs `argv` in a container, with this process's standard input and output."""
    given = [word for name, value in (environment or {}).items() for word in ("--env", f"{name}={value}")]
    # The full path: the process that runs it may have another search path.
    return (shutil.which("docker") or "docker", "exec", "--interactive", *given, container, *argv)
