"""Where a model's data comes from: the [data] table of model.toml."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

import msgspec

from contract.bundle.dialect import MISSING
from contract.errors import did_you_mean
from contract.spec.toml import Section

SKLEARN = "sklearn:"
SKLEARN_TABLES = ("breast_cancer", "diabetes", "digits", "iris", "wine")
URL = re.compile(r"[a-z][a-z0-9+.-]*://")
SHA256 = re.compile(r"[0-9a-f]{64}")


class DataSource(msgspec.Struct, frozen=True):
    """A CSV file in the model's folder, a URL, or a table of scikit-learn; and its sha256."""

    source: str
    sha256: str | None  # None only for scikit-learn's own tables
    missing: tuple[str, ...]  # the cells that mean "no value"
    licence: str | None = None  # an SPDX identifier or a few words


def read_source(section: Section, folder: Path, *, must_exist: bool = True) -> DataSource:
    """Read the [data] table; raise ModelError for the first mistake.

    Unless `must_exist`, a file may be absent.
    """
    section.only(("source", "sha256", "missing", "licence"), required=("source",))
    source = section.text("source")
    check_source(section, source, folder, must_exist=must_exist)
    return DataSource(
        source=source,
        sha256=read_sha256(section, source, folder),
        missing=tuple(dict.fromkeys(["", *section.texts("missing", MISSING)])),
        licence=section.text("licence") if "licence" in section.values else None,
    )


def check_source(section: Section, source: str, folder: Path, *, must_exist: bool) -> None:
    """Check the source of the data; raise ModelError for one that is not allowed or not there."""
    if source.startswith(SKLEARN):
        name = source.removeprefix(SKLEARN)
        if name not in SKLEARN_TABLES:
            expected = f"{SKLEARN} and one of {', '.join(SKLEARN_TABLES)}"
            section.fail("source", expected, did_you_mean(name, SKLEARN_TABLES))
    elif URL.match(source):
        if not source.startswith("https://"):
            section.fail(
                "source", "an https:// address", "Use https, or put the file in the folder."
            )
    elif PurePosixPath(source).is_absolute() or ".." in PurePosixPath(source).parts:
        section.fail("source", "a file inside the model's folder", f"Copy the file into {folder}.")
    elif must_exist and not (folder / source).is_file():
        files = sorted(file.name for file in folder.glob("*.csv"))
        expected = f"a file in {folder}, an https:// address or {SKLEARN}name"
        hint = f"{did_you_mean(source, files)} " if files else ""
        cure = f"If it is on another machine, .gitignore may name it: git add --force {source}"
        section.fail("source", expected, hint + cure)


def read_sha256(section: Section, source: str, folder: Path) -> str | None:
    """Read the sha256 of the data; raise ModelError if it is needed and absent, or malformed."""
    if "sha256" not in section.values:
        if source.startswith(SKLEARN):
            return None
        section.fail("sha256", "given for a file or a URL", cure_for_sha256(source, folder))
    value = section.text("sha256")
    if not SHA256.fullmatch(value):
        section.fail("sha256", "64 hexadecimal digits", cure_for_sha256(source, folder))
    return value


def cure_for_sha256(source: str, folder: Path) -> str:
    """Return the line to write, or how to find it."""
    file = folder / source
    if file.is_file():
        return f'Write sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"'
    return f"Download the file, check it, and write what this prints: sha256sum {Path(source).name}"
