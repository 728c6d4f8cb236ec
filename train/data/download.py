"""Get a model's data (files, addresses, scikit-learn's tables) and check its sha256."""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from contract.bundle import Dialect
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from contract.spec.source import SKLEARN, URL
from train.data import formats
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


@contextmanager
def fetch(spec: ModelSpec) -> Iterator[Fetched]:
    """Yield the model's data, which can be read within the `with` block.

    Raises ModelError if its sha256 is not data.sha256 of model.toml or it holds no table, and
    Unreachable if there is none.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = spec.data.source
        file = get_file(spec, source, Path(scratch))
        sha256 = hash_of(file)
        check_sha256(spec, sha256)
        where = f"{spec.file}: data.source {source}"
        dialect = Dialect(missing=spec.data.missing)
        secret = hash_of(file, "blake2s")
        yield Fetched({source: formats.open_table(file, where, dialect)}, sha256, secret)


def check_sha256(spec: ModelSpec, sha256: str) -> None:
    """Raise ModelError unless the data is what model.toml says."""
    if spec.data.sha256 not in (None, sha256):
        source = spec.data.source
        cure = f'If {source} is the data you mean, write sha256 = "{sha256}"'
        expected = f"the sha256 of {source}"
        raise ModelError(f"{spec.file}: data.sha256", expected, spec.data.sha256, cure)


def hash_of(file: Path, algorithm: str = "sha256") -> str:
    """Return a hash of a file in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, algorithm).hexdigest()


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
