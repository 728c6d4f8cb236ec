"""Get a model's data (files, addresses, scikit-learn's tables) and check its sha256."""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from contract.bundle import Dialect
from contract.errors import ModelError
from contract.spec.credentials import DATABASE
from contract.spec.model_toml import ModelSpec
from contract.spec.source import SKLEARN, URL
from train.data import formats, object_store, secrets
from train.data import query as sql
from train.data.table import Table

TIMEOUT_SECONDS = 60


class Unreachable(ModelError):  # noqa: N818 - the name says what happened
    """Data that cannot be had: its file is absent, or its address does not answer."""


class Fetched(NamedTuple):
    """The tables of a model's data in their order, each by its name in messages, and its sha256.

    `secret` is another hash of the same bytes, which is published nowhere.
    """

    tables: dict[str, Table]
    sha256: str
    secret: str


def absent(spec: ModelSpec) -> str:
    """Return why a model's data cannot be had, "" where it can.

    Raises ModelError for data that is not what its sha256 says.
    """
    try:
        with fetch(spec):
            return ""
    except Unreachable as error:
        return str(error)


def sha256_now(spec: ModelSpec) -> str:
    """Return the sha256 of a model's data as they are now, whatever model.toml says of it.

    Raises Unreachable if there is none, ModelError for a query whose result is no table.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if spec.data.query:
            return str(answer(spec, spec.data.query).sha256)
        return hash_of_all(get_files(spec, Path(scratch)))


@contextmanager
def fetch(spec: ModelSpec) -> Iterator[Fetched]:
    """Yield the model's data, which can be read within the `with` block.

    Raises ModelError if its sha256 is not data.sha256 of model.toml or it holds no table, and
    Unreachable if there is none.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if spec.data.query:
            yield ask(spec, spec.data.query)
            return
        files = get_files(spec, Path(scratch))
        sha256 = hash_of_all(files)
        check_sha256(spec, sha256)
        dialect = Dialect(missing=spec.data.missing)
        names = {below: "/".join(filter(None, [spec.data.source, below])) for below in files}
        yield Fetched(
            {
                names[below]: formats.open_table(
                    file, f"{spec.file}: data.source {names[below]}", dialect
                )
                for below, file in files.items()
            },
            sha256,
            hash_of_all(files, "blake2s"),
        )


def ask(spec: ModelSpec, query: str) -> Fetched:
    """Return the result of a query, checked by its sha256; raise ModelError as `answer` does."""
    table = answer(spec, query)
    check_sha256(spec, table.sha256)
    return Fetched({spec.data.source: table}, table.sha256, table.secret)


def answer(spec: ModelSpec, query: str) -> sql.QueryTable:
    """Return the result of a query.

    Raises Unreachable if the database does not give any, ModelError for one that is no table.
    """
    is_file = spec.data.source != DATABASE
    file = get_file(spec, spec.data.source, Path()) if is_file else None
    try:
        result = sql.run(query, file)
    except KeyError as error:
        cure = "Set it to the database's address: postgresql://… or sqlite:///…"
        raise Unreachable(DATABASE, "set, as there is a data.query", "nothing", cure) from error
    except sql.FAILURES as error:
        got = secrets.redacted(error)
        cure = f"Check the query, and {DATABASE}."
        raise Unreachable(f"{spec.file}: data.query", "answered", got, cure) from None
    if len(set(result.column_names)) != max(1, result.num_columns):
        expected, got = "for columns with names of their own", result.column_names or "no column"
        raise ModelError(f"{spec.file}: data.query", expected, got, "Name each with AS.")
    return sql.QueryTable(result, Dialect(missing=spec.data.missing))


def check_sha256(spec: ModelSpec, sha256: str) -> None:
    """Raise ModelError unless the data is what model.toml says, and says it where it must."""
    source = spec.data.source
    if spec.data.sha256 != sha256 and not (spec.data.sha256 is None and source.startswith(SKLEARN)):
        cure = f'If {source} is the data you mean, write sha256 = "{sha256}"'
        expected = f"the sha256 of {source}"
        raise ModelError(f"{spec.file}: data.sha256", expected, spec.data.sha256 or "nothing", cure)


def hash_of_all(files: Mapping[str, Path], algorithm: str = "sha256") -> str:
    """Return the hash of a file, or of the lines that `sha256sum` prints of several, by path."""
    if list(files) == [""]:
        return hash_of(files[""], algorithm)
    lines = [f"{hash_of(file, algorithm)}  {below}\n" for below, file in sorted(files.items())]
    return hashlib.new(algorithm, "".join(lines).encode()).hexdigest()


def hash_of(file: Path, algorithm: str = "sha256") -> str:
    """Return a hash of a file in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, algorithm).hexdigest()


def get_files(spec: ModelSpec, scratch: Path) -> dict[str, Path]:
    """Return the files of a source by their path below it, "" where it is a file itself.

    Files whose path has a part that begins with a dot or an underscore hold no rows. Raises
    Unreachable if there is no file.
    """
    source, folder = spec.data.source, spec.folder / spec.data.source
    if source.startswith(("s3://", "gs://")):
        try:
            files = object_store.copy(source, scratch)
        except object_store.FAILURES as error:
            cure = "Check the address, the credentials and, of s3://, AWS_REGION: see README.md."
            where = f"{spec.file}: data.source"
            got = secrets.redacted(error).partition(" error_info=")[0]  # Google's repeats it all
            raise Unreachable(where, f"reachable ({source})", got, cure) from None
    elif not URL.match(source) and folder.is_dir():
        files = {
            file.relative_to(folder).as_posix(): file
            for file in sorted(folder.rglob("*"))
            if file.is_file() and not file.is_symlink()
        }
    else:
        return {"": get_file(spec, source, scratch)}
    tables = {
        below: file
        for below, file in sorted(files.items())
        if not any(part.startswith((".", "_")) for part in Path(below).parts)
    }
    if not tables:
        cure = "Put files of rows there."
        raise Unreachable(f"{spec.file}: data.source", "a folder of tables", "none", cure)
    return tables


def get_file(spec: ModelSpec, source: str, scratch: Path) -> Path:
    """Return the file of a source, where need be a new one in `scratch`.

    Raises Unreachable if there is none.
    """
    if source.startswith(SKLEARN):
        return sklearn_table(source.removeprefix(SKLEARN), scratch / "table.csv")
    if URL.match(source):
        return download(spec, source, scratch / "download")
    file = spec.folder / source
    if not file.is_file():
        cure = "Put the file in the model's folder."
        raise Unreachable(f"{spec.file}: data.source", "a file", source, cure)
    return file


def download(spec: ModelSpec, url: str, file: Path) -> Path:
    """Write what is at a URL into a file; raise Unreachable if it does not answer."""
    try:
        with (
            urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310 - https only, see contract.spec.source
            file.open("wb") as opened,
        ):
            shutil.copyfileobj(response, opened)
    except (urllib.error.URLError, TimeoutError) as error:
        cure = "Check the address and the network, or put the file in the model's folder."
        raise Unreachable(f"{spec.file}: data.source", f"reachable ({url})", error, cure) from error
    return file


def sklearn_table(name: str, file: Path) -> Path:
    """Write a table shipped with scikit-learn as CSV; its target column is called `target`."""
    from sklearn import datasets  # noqa: PLC0415 - takes a second, and only these sources need it

    options: dict[str, Any] = {"scaled": False} if name == "diabetes" else {}
    table = getattr(datasets, f"load_{name}")(**options)
    columns = [snake_case(column) for column in table.feature_names]
    classes = [str(label) for label in getattr(table, "target_names", [])]
    target = [classes[code] if classes else repr(float(code)) for code in table.target]
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow([*columns, "target"])
        for row, label in zip(table.data.tolist(), target, strict=True):
            writer.writerow([*map(repr, row), label])
    return file


def snake_case(name: str) -> str:
    """Return a name in snake case: `sepal length (cm)` becomes `sepal_length_cm`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
