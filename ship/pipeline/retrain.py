"""Retrain on today's data: find out whether they have changed, and write their sha256 anew.

Equal data give an equal model, so only data that lie elsewhere can call for a new training: those
at an address, and the result of a query that a database answers.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from contract.models import SPEC
from ship import git
from ship.command import attempt
from ship.errors import StageError, UsageError

ADDRESSES = ("https://", "s3://", "gs://")
SHA256 = re.compile(r"[0-9a-f]{64}")


def remote(names: list[str], models: Path) -> list[str]:
    """Return the models whose data may change without a commit; Python is all that it takes."""
    return [name for name in names if is_remote(read_data(models / name / SPEC))]


def read_data(file: Path) -> dict[str, Any]:
    """Return what a model.toml says of the data; raise UsageError where it says nothing."""
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["data"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise UsageError(f"{file} must be a model.toml with a table [data]. Got {error}.") from None
    return data


def is_remote(data: dict[str, Any]) -> bool:
    """Return whether data lie at an address, or in the database that DATABASE_URL names."""
    source = data.get("source")
    return "query" in data if source is None else str(source).startswith(ADDRESSES)


def changed(name: str, models: Path) -> str:
    """Return the sha256 of a model's data if it is another than that of model.toml, else "".

    The data are read as a training reads them, by a program of its own. Raises StageError where
    they cannot be had.
    """
    environment = {**os.environ, "MODELS": str(models)}
    result = attempt(sys.executable, "-m", "train.refresh", name, folder=git.TOOL,
                     environment=environment)  # fmt: skip
    today = result.stdout.strip()
    if not result.succeeded or not SHA256.fullmatch(today):
        raise StageError(f"{name}: today's data must be read. Got instead: {result.reason}")
    return "" if today == read_data(models / name / SPEC).get("sha256") else today


def pin(file: Path, sha256: str) -> None:
    """Write the sha256 of the data into a model.toml, of which all else stays as it is.

    Raises UsageError unless the file contains the old one exactly once.
    """
    if not SHA256.fullmatch(sha256):
        raise UsageError(f"SHA256 must be 64 hexadecimal digits. Got {sha256[:100]!a} instead.")
    text, old = file.read_text(encoding="utf-8"), read_data(file).get("sha256", "")
    if not old or text.count(old) != 1:
        raise UsageError(f'{file}: data.sha256 must stand there once. Write sha256 = "{sha256}".')
    file.write_text(text.replace(old, sha256), encoding="utf-8")


def all_better(folder: Path, models: list[str]) -> bool:
    """Return whether the reports below `folder` find each model better than its published one.

    Better is: the gate passed with nothing accepted, and the model is better beyond chance in a
    metric, and worse in none. False if a report is missing, duplicated, or of another model.
    """
    reports = [json.loads(file.read_bytes()) for file in sorted(folder.rglob("report.json"))]
    reported = sorted(report["model"] for report in reports)
    return reported == sorted(models) and all(is_better(report) for report in reports)


def is_better(report: dict[str, Any]) -> bool:
    """Return whether a report finds its model better."""
    directions = {score["direction"] for score in report["scores"]}
    return report["verdict"] == "passed" and "better" in directions and "worse" not in directions
