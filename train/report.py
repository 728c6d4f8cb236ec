"""The report: one self-contained page of tables and plots."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.bundle import Manifest
    from train.examples import Evaluation


def report(manifest: Manifest, found: Evaluation) -> str:
    return f"<!doctype html><title>{escape(manifest.name)}</title><p>{len(found.rows)}</p>\n"
