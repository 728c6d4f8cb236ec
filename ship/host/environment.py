"""Make .venv with exactly the packages of a lock file, checked by their hashes, with uv.

`python3 -m ship.host.environment requirements-pipeline.txt` needs nothing but Python and its venv.
pip installs uv; uv then uses pip's settings of this machine: index, proxy and certificates.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from contract.console import guard
from ship import command
from ship.errors import ShipError, StageError, UsageError
from ship.host.pip_secrets import ca_bundle, pip_settings
from ship.host.progress import progress

VENV = Path(".venv")
INSTALLED = "installed.txt"  # in .venv: a copy of the lock file that it was made from
UV = re.compile(r"^uv==.*\n(?: .*\n)*", re.MULTILINE)
TRUE = {"1", "true", "yes", "on"}


def make(lock: Path) -> None:
    """Make the environment anew, or change the one that is there into that of `lock`.

    Raises ShipError where a package cannot be had, or is not the one that was locked, and
    UsageError where .venv is a link: others use what it leads to.
    """
    if VENV.is_symlink():
        raise UsageError(f"{VENV} must be a folder to be changed. Got a link to {VENV.readlink()}. "
                         "Make it what this checkout locks there, or remove the link.")  # fmt: skip
    python = VENV / "bin" / "python"
    (VENV / INSTALLED).unlink(missing_ok=True)
    if not (succeeds(python, "-c", "") and succeeds(VENV / "bin" / "uv", "--version")):
        say("making .venv, and fetching uv into it")
        run(sys.executable, "-m", "venv", VENV)
        install_uv(python, lock)
    packages = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    settings = pip_settings(python)
    used = sorted({*settings} & {*SETTINGS, "cert", "no-index"})
    say(f"installing up to {packages} packages of {lock}"
        + (f" with pip's settings ({', '.join(used)})" if used else ""))  # fmt: skip
    options = ["--no-index"] if settings.get("no-index", "").lower() in TRUE else []
    run(VENV / "bin" / "uv", "pip", "sync", "--require-hashes", "--python", python, lock, *options,
        environment=uv_environment(settings, os.environ))  # fmt: skip
    shutil.copyfile(lock, VENV / INSTALLED)


def install_uv(python: Path, lock: Path) -> None:
    """Install the uv of the lock file by pip; raise ShipError if it locks none."""
    locked = UV.search(lock.read_text())
    if not locked:
        raise ShipError(f"{lock} must lock uv. It does not; run: make lock")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(locked[0])
        file.flush()
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--require-hashes", "--requirement", file.name)  # fmt: skip


# What uv calls a setting of pip's, and what separates the values of one that has several.
SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "retries": ("UV_HTTP_RETRIES", " "),
}


def uv_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which uv finds packages where pip, with `settings`, finds them.

    A user's own settings of uv take precedence. The certificates are pip's, or else the system's.
    """
    uv_settings = {
        name: separator.join(settings[key].replace("\\n", " ").split())
        for key, (name, separator) in SETTINGS.items()
        if key in settings
    }
    if "UV_INDEX" in uv_settings:  # pip takes any index that has the version; the hash decides
        uv_settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    authority = ca_bundle(settings.get("cert"))
    trusted = {"SSL_CERT_FILE": str(authority)} if authority else {"UV_SYSTEM_CERTS": "true"}
    return {**uv_settings, **environ, **trusted}


def succeeds(*program: str | Path) -> bool:
    """Return whether a program is there and ends with exit code 0."""
    try:
        return command.attempt(*program).succeeded
    except StageError:  # there is no such program
        return False


def run(*program: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a program and show what it says; raise ShipError where it fails."""
    with progress("environment"):
        code = command.follow(*program, line=show, environment=environment)
    if code:
        raise ShipError(f"{Path(program[0]).name} must succeed. It ended with {code}; see above. "
                        "Packages come from the index that pip is set to: pip config list"
                        )  # fmt: skip


def show(line: str) -> None:
    """Print a line, but not each name of what is in the lock file anyway."""
    if not line.startswith((" + ", " - ", " ~ ")):
        say(line.strip())


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"environment: {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Make the environment of the lock file; return the exit code.

    An argument that is no file is a UsageError, which is printed.
    """
    try:
        if len(arguments) != 1 or not Path(arguments[0]).is_file():
            raise UsageError(f"The lock file must be named. Got {arguments} instead.")
        make(Path(arguments[0]))
    except ShipError as error:
        print(f"environment: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    guard()
    sys.exit(main(sys.argv[1:]))
