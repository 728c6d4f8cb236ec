"""The packages that a model needs beside the tool's own: its requirements.in and the lock of it.

A stage that installs them runs this module: python -m contract.packages LOCK SHARED [--only NAME…]
prints what LOCK adds to SHARED, which is installed already.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from contract.errors import ModelError

WANTED, LOCK = "requirements.in", "requirements.txt"  # in a model's folder
ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.+!]+)"
    r"(?P<marker> ; [A-Za-z0-9_ .'()<>=!]+)?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)
NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


class Entry(NamedTuple):
    """A package of a lock file; one that is locked apart for several platforms has several."""

    name: str
    version: str
    line: str


def canonical(name: str) -> str:
    """Return a package's name as locks and installed packages have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def relock(file: Path) -> str:
    """Return the sentence that says how a model's lock is made anew."""
    return f"Run: make lock MODEL={file.parent.name}"


def read_lock(file: Path) -> list[Entry]:
    """Return the entries of a lock file.

    Raises ModelError for a line that is no package with its version and its hashes: pip would obey
    it, and look for packages elsewhere.
    """
    text = re.sub(r"(?m)^\s*#.*$", "", file.read_text()).replace("\\\n", " ")
    entries = []
    for line in filter(None, (" ".join(line.split()) for line in text.split("\n"))):
        entry = ENTRY.fullmatch(line)
        if not entry:
            expected = "a lock: in each line name==version with --hash=sha256:…"
            raise ModelError(file, expected, repr(line[:80]), relock(file))
        entries.append(Entry(canonical(entry["name"]), entry["version"], line))
    return entries


def additions(lock: Path, shared: Path, names: Collection[str] | None = None) -> list[Entry]:
    """Return the entries of a model's lock that are not in `shared`; of `names` alone, if given.

    Raises ModelError where both lock a package in different versions, and for a name that the
    model's lock lacks.
    """
    entries = read_lock(lock)
    versions: dict[str, set[str]] = {}
    for entry in read_lock(shared):
        versions.setdefault(entry.name, set()).add(entry.version)
    for name in sorted({*(names or ())} - {entry.name for entry in entries}):
        raise ModelError(lock, f"a lock of {name}, which the model imports", "none", relock(lock))
    for entry in entries:
        known = versions.get(entry.name, {entry.version})
        if entry.version not in known:
            expected = f"{entry.name}=={' or '.join(sorted(known))}, as {shared.name} has it"
            raise ModelError(lock, expected, entry.version, relock(lock))
    return [
        entry
        for entry in entries
        if entry.name not in versions and (names is None or entry.name in names)
    ]


def check(folder: Path, shared: Iterable[Path]) -> None:
    """Check that the lock in a model's folder has all that its requirements.in asks for.

    Raises ModelError where it has not, where there is only one of the two, and where it does not
    fit the locks `shared`.
    """
    wanted, lock = folder / WANTED, folder / LOCK
    if lock.exists() and not wanted.exists():
        cure = f"Write it: a line for each package, as in xgboost-cpu. Then: {relock(lock)}"
        raise ModelError(wanted, f"a file, as there is {LOCK}", "none", cure)
    if wanted.exists() and not lock.exists():
        raise ModelError(lock, f"the lock of {WANTED}", "no such file", relock(lock))
    locked = {entry.name for entry in read_lock(lock)} if lock.exists() else set()
    for tools in shared if locked else ():
        additions(lock, tools)
    for name in names_in(wanted) if wanted.exists() else ():
        if name not in locked:
            raise ModelError(lock, f"a lock of {name}, as in {WANTED}", "none", relock(lock))


def names_in(wanted: Path) -> list[str]:
    """Return the names of the packages in a requirements.in; options of pip are passed over."""
    matches = (NAME.match(line) for line in wanted.read_text().splitlines())
    return [canonical(match[1]) for match in matches if match]


def main() -> None:
    """Print the lines that pip has to install: none for a model without a lock."""
    parser = argparse.ArgumentParser(prog="python -m contract.packages")
    parser.add_argument("lock", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--only", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.lock.exists() or options.only:
        for entry in additions(options.lock, options.shared, options.only):
            print(entry.line)


if __name__ == "__main__":
    try:
        main()
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
