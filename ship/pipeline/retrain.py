"""Retrain on today's data: update the sha256 in model.toml where the file at a URL has changed.

Equal data give an equal model, so only data from a URL can call for a new training.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from contract.models import SPEC
from ship.errors import StageError, UsageError

ADDRESS = "https://"
BLOCK = 2**20  # bytes
SECONDS = 60


def refresh(names: list[str], models: Path) -> list[str]:
    """Write the sha256 of today's data into each model.toml; return the models that it changed."""
    return [name for name in names if refresh_model(models / name / SPEC)]


def refresh_model(file: Path) -> bool:
    """Update one model.toml; return whether its data had changed.

    Raises UsageError unless the file contains the sha256 exactly once.
    """
    text = file.read_text(encoding="utf-8")
    data = tomllib.loads(text)["data"]
    if not data["source"].startswith(ADDRESS):
        return False
    today = sha256_of(data["source"], file)
    if today == data["sha256"]:
        return False
    if text.count(data["sha256"]) != 1:
        raise UsageError(f'{file}: data.sha256 must stand there once. Write sha256 = "{today}".')
    file.write_text(text.replace(data["sha256"], today), encoding="utf-8")
    return True


def sha256_of(address: str, file: Path) -> str:
    """Return the sha256 of the file at an address; raise StageError if it cannot be had."""
    total = hashlib.sha256()
    try:
        with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - https only, see ADDRESS
            while block := answer.read(BLOCK):
                total.update(block)
    except (URLError, TimeoutError) as error:
        raise StageError(f"{file}: data.source must be reachable. Got instead: {error}") from error
    return total.hexdigest()


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
