"""Get the bytes of a model's data (file, URL, scikit-learn table) and check their sha256."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import urllib.error
import urllib.request
from typing import Any

from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from contract.spec.source import SKLEARN, URL

TIMEOUT_SECONDS = 60


class Unreachable(ModelError):  # noqa: N818 - the name says what happened
    """Data that cannot be had: its file is absent, or its address does not answer."""


def absent(spec: ModelSpec) -> str:
    """Return why a model's data cannot be had, "" where it can.

    Raises ModelError for data that is not what its sha256 says.
    """
    try:
        fetch(spec)
    except Unreachable as error:
        return str(error)
    return ""


def fetch(spec: ModelSpec) -> tuple[bytes, str]:
    """Return the CSV bytes of the model's data and their sha256.

    Raises ModelError if that is not data.sha256 of model.toml, and Unreachable if there are none.
    """
    source = spec.data.source
    content = read_bytes(spec, source)
    sha256 = hashlib.sha256(content).hexdigest()
    if spec.data.sha256 not in (None, sha256):
        cure = f'If {source} is the data you mean, write sha256 = "{sha256}"'
        expected = f"the sha256 of {source}"
        raise ModelError(f"{spec.file}: data.sha256", expected, spec.data.sha256, cure)
    return content, sha256


def read_bytes(spec: ModelSpec, source: str) -> bytes:
    """Return the bytes of a source; raise Unreachable if there are none."""
    if source.startswith(SKLEARN):
        return sklearn_table(source.removeprefix(SKLEARN))
    if URL.match(source):
        return download(spec, source)
    try:
        return (spec.folder / source).read_bytes()
    except FileNotFoundError as error:
        cure = "Put the file in the model's folder."
        raise Unreachable(f"{spec.file}: data.source", "a file", source, cure) from error


def download(spec: ModelSpec, url: str) -> bytes:
    """Return the bytes at a URL; raise Unreachable if it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - https only, see contract.spec.source
            content: bytes = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        cure = "Check the address and the network, or put the file in the model's folder."
        raise Unreachable(f"{spec.file}: data.source", f"reachable ({url})", error, cure) from error
    return content


def sklearn_table(name: str) -> bytes:
    """Return a table shipped with scikit-learn as CSV; its target column is called `target`."""
    from sklearn import datasets  # noqa: PLC0415 - takes a second, and only these sources need it

    options: dict[str, Any] = {"scaled": False} if name == "diabetes" else {}
    table = getattr(datasets, f"load_{name}")(**options)
    columns = [snake_case(column) for column in table.feature_names]
    classes = [str(label) for label in getattr(table, "target_names", [])]
    target = [classes[code] if classes else repr(float(code)) for code in table.target]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, "target"])
    for row, label in zip(table.data.tolist(), target, strict=True):
        writer.writerow([*map(repr, row), label])
    return text.getvalue().encode()


def snake_case(name: str) -> str:
    """Return a name in snake case: `sepal length (cm)` becomes `sepal_length_cm`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
