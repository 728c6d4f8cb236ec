"""Retrain on today's data: where the file at a model's address has changed, say so in model.toml.

Equal data give an equal model, so only what is fetched from an address can be retrained by a clock.
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
    text = file.read_text(encoding="utf-8")
    data = tomllib.loads(text)["data"]
    if not data["source"].startswith(ADDRESS):
        return False
    found = sha256_of(data["source"], file)
    if found == data["sha256"]:
        return False
    if text.count(data["sha256"]) != 1:
        raise UsageError(f'{file}: data.sha256 must stand there once. Write sha256 = "{found}".')
    file.write_text(text.replace(data["sha256"], found), encoding="utf-8")
    return True


def sha256_of(address: str, file: Path) -> str:
    total = hashlib.sha256()
    try:
        with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - https only, see ADDRESS
            while block := answer.read(BLOCK):
                total.update(block)
    except (URLError, TimeoutError) as error:
        raise StageError(f"{file}: data.source must be reachable. Got instead: {error}") from error
    return total.hexdigest()


def all_better(folder: Path, models: list[str]) -> bool:
    """Tell whether the reports below `folder` find each of `models` better than its published one.

    Better is: past the gate without an override, beyond chance in a metric, and in none worse.
    Reports of other models, two of one, or none of one are no evidence.
    """
    reports = [json.loads(file.read_bytes()) for file in sorted(folder.rglob("report.json"))]
    told = sorted(report["model"] for report in reports)
    return told == sorted(models) and all(is_better(report) for report in reports)


def is_better(report: dict[str, Any]) -> bool:
    directions = {score["direction"] for score in report["scores"]}
    return report["verdict"] == "passed" and "better" in directions and "worse" not in directions
