"""Where a model's data comes from: the [data] table of model.toml."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import msgspec

from contract.errors import ModelError, did_you_mean
from contract.spec import tables
from contract.spec.credentials import DATABASE
from contract.spec.toml import Section, keys

SKLEARN = "sklearn:"
SKLEARN_TABLES = ("breast_cancer", "diabetes", "digits", "iris", "wine")
URL = re.compile(r"[a-z][a-z0-9+.-]*://")
SCHEMES = ("https", "s3", "gs")


class DataSource(msgspec.Struct, frozen=True):
    """Where the rows come from, and their sha256.

    `source` is a file or a folder in the model's folder, an address (https, s3, gs), or a table of
    scikit-learn. A `query` reads an SQLite file, or else the database that DATABASE_URL names.
    """

    source: str
    # Of a file's bytes; of a folder's `sha256sum` lines, sorted by path; of a query's sorted rows.
    sha256: str | None  # None for scikit-learn's own tables, and where reading the data will tell
    missing: tuple[str, ...]  # the cells that mean "no value"
    licence: str | None = None  # an SPDX identifier or a few words
    query: str | None = None  # an SQL query

    @property
    def described(self) -> str:
        """The source as model.toml says it."""
        return f"{self.source}: {self.query}" if self.query else self.source


def read_source(section: Section, folder: Path, *, must_exist: bool = True) -> DataSource:
    """Read the [data] table; raise ModelError for the first mistake.

    Unless `must_exist`, a file may be absent.
    """
    table = section.read(tables.Data)
    query = table.query
    if table.source is None and query is None:
        section.fail("source", *keys(tables.Data)["source"].mistake)
    source = table.source or DATABASE
    if source != DATABASE:
        check_source(section, source, folder, must_exist=must_exist)
    if query and source.startswith((SKLEARN, *(f"{scheme}://" for scheme in SCHEMES))):
        cure = f"Leave source out: {DATABASE} in the environment names the database."
        section.fail("source", "an SQLite file in the model's folder, where there is a query", cure)
    check_sha256(section, source, folder, is_query=query is not None)
    return DataSource(
        source=source,
        query=query,
        sha256=table.sha256,
        missing=tuple(dict.fromkeys(["", *table.missing])),
        licence=table.licence,
    )


def check_source(section: Section, source: str, folder: Path, *, must_exist: bool) -> None:
    """Check the source of the data; raise ModelError for one that is not allowed or not there."""
    if source.startswith(SKLEARN):
        name = source.removeprefix(SKLEARN)
        if name not in SKLEARN_TABLES:
            expected = f"{SKLEARN} and one of {', '.join(SKLEARN_TABLES)}"
            section.fail("source", expected, did_you_mean(name, SKLEARN_TABLES))
    elif URL.match(source):
        if source.partition("://")[0] not in SCHEMES:
            section.fail(
                "source",
                "an https://, s3:// or gs:// address",
                "Use https, or put the file in the folder.",
            )
        if "@" in urlsplit(source).netloc:
            cure = "Leave user and password out: they would stand in the manifest."
            raise ModelError(f"{section.file}: data.source", "free of credentials", "some", cure)
    elif PurePosixPath(source).is_absolute() or ".." in PurePosixPath(source).parts:
        section.fail("source", "a file inside the model's folder", f"Copy the file into {folder}.")
    elif must_exist and not (folder / source).exists():
        files = sorted(file.name for file in folder.glob("*.csv"))
        expected = f"a file in {folder}, an https:// address or {SKLEARN}name"
        hint = f"{did_you_mean(source, files)} " if files else ""
        cure = f"If it is on another machine, .gitignore may name it: git add --force {source}"
        section.fail("source", expected, hint + cure)


def check_sha256(section: Section, source: str, folder: Path, *, is_query: bool) -> None:
    """Check the sha256 of the data; raise ModelError if it is needed and absent, or malformed.

    Where only reading the data tells it, it may be absent here: `train.data.download` asks for it.
    """
    if "sha256" in section.values:
        if not re.fullmatch(tables.SHA256, section.text("sha256")):
            section.fail("sha256", "64 hexadecimal digits", cure_for_sha256(source, folder))
        return
    later = source.startswith((SKLEARN, "s3://", "gs://")) or (folder / source).is_dir()
    if not is_query and not later:
        section.fail("sha256", "given for a file or a URL", cure_for_sha256(source, folder))


def cure_for_sha256(source: str, folder: Path) -> str:
    """Return the line to write, or how to find it."""
    file = folder / source
    if file.is_file():
        return f'Write sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"'
    return f"Download the file, check it, and write what this prints: sha256sum {Path(source).name}"
