"""Count values that the training rows did not have: drift that shows in the metrics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Manifest
from contract.dates import FIRST_YEAR, LAST_YEAR
from contract.inputs import KINDS, Domain
from serve.inference.arrays import Frame

Counts = list[tuple[int, int]]  # the position of an input, and how many of its values


class UnseenValues(NamedTuple):
    """How many values of each input the training rows did not have; zeros may be left out."""

    out_of_range: Counts
    unknown: Counts
    missing: Counts


class DriftCounter:
    """Compares a batch with the ranges and categories of the training rows."""

    def __init__(self, manifest: Manifest) -> None:
        inputs = list(enumerate(manifest.inputs))
        numeric, texts, dates = (
            [(index, field) for index, field in inputs if KINDS[field.kind].array == array]
            for array in Frame._fields
        )
        self.numeric, self.texts, self.dates = (
            [index for index, _ in fields] for fields in (numeric, texts, dates)
        )
        self.least = np.array([bound(field.minimum, -np.inf) for _, field in numeric])
        self.greatest = np.array([bound(field.maximum, np.inf) for _, field in numeric])
        self.from_year = years([bound(field.minimum, FIRST_YEAR) for _, field in dates])
        self.to_year = years([bound(field.maximum, LAST_YEAR) + 1 for _, field in dates])
        self.may_miss = any(field.missing for _, field in inputs)
        self.known = {
            place: {"", *field.categories}
            for place, (_, field) in enumerate(texts)
            if field.categories is not None and not Domain.of(field, manifest.serving).choices
        }

    def __call__(self, frame: Frame) -> UnseenValues:
        """Count what is new in a batch."""
        return UnseenValues(self.out_of_range(frame), self.unknown(frame), self.missing(frame))

    def out_of_range(self, frame: Frame) -> Counts:
        """Count the numbers outside the range of the training rows, and dates of other years."""
        outside = (frame.numeric < self.least) | (frame.numeric > self.greatest)
        counts = counted(self.numeric, outside) if outside.any() else []
        if self.dates:
            years = (frame.date < self.from_year) | (frame.date >= self.to_year)
            counts += counted(self.dates, years)
        return counts

    def unknown(self, frame: Frame) -> Counts:
        """Count the categories that the training rows did not have, where such are served."""
        return [
            (self.texts[place], sum(value not in known for value in frame.categorical[:, place]))
            for place, known in self.known.items()
        ]

    def missing(self, frame: Frame) -> Counts:
        """Count the missing values: NaN, the empty text, and NaT."""
        if not self.may_miss:
            return []
        return [
            *counted(self.numeric, np.isnan(frame.numeric)),
            *counted(self.texts, frame.categorical == ""),
            *counted(self.dates, np.isnat(frame.date)),
        ]


def counted(inputs: list[int], mask: NDArray[np.bool_]) -> Counts:
    """Return each of the inputs with its count in a mask of shape (rows, inputs)."""
    return list(zip(inputs, mask.sum(axis=0).tolist(), strict=True))


def years(values: list[float]) -> NDArray[np.datetime64]:
    """Return the beginnings (inputs,) of years."""
    return np.array([f"{value:.0f}-01-01" for value in values], "datetime64[ns]")


def bound(value: float | None, default: float) -> float:
    """Return the bound, or the default where the input has none."""
    return default if value is None else value
