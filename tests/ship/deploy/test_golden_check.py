"""Which answers count as the recorded ones."""

from __future__ import annotations

import math
from typing import Any

import pytest

from contract.bundle import Example
from ship.deploy.golden_check import agrees

FLOWER = Example(features={}, prediction="setosa", probabilities=[0.9, 0.1])
KIND = Example(features={}, prediction="setosa")  # of a classifier without probabilities
CODE = Example(features={}, prediction=100_000)
FLAG = Example(features={}, prediction=1)
ANOMALY = Example(features={}, prediction="odd", probabilities=[0.25])
PRICE = Example(features={}, prediction=100.0)
RATIO = Example(features={}, prediction=1.0)
RIGHT = {"prediction": "setosa", "probabilities": {"setosa": 0.9, "virginica": 0.1}}


@pytest.mark.parametrize(
    ("answer", "example", "expected"),
    [
        (RIGHT, FLOWER, True),
        ({**RIGHT, "probabilities": {"setosa": 0.900001, "virginica": 0.099999}}, FLOWER, True),
        ({**RIGHT, "prediction": "virginica"}, FLOWER, False),
        ({**RIGHT, "probabilities": {"setosa": 0.8, "virginica": 0.2}}, FLOWER, False),
        ({"prediction": "setosa"}, FLOWER, False),
        ({**RIGHT, "probabilities": None}, FLOWER, False),
        ({**RIGHT, "probabilities": [0.9, 0.1]}, FLOWER, False),
        ({**RIGHT, "probabilities": {"setosa": 0.9}}, FLOWER, False),
        ({**RIGHT, "probabilities": {"setosa": 0.9, "virginica": math.nan}}, FLOWER, False),
        ({**RIGHT, "probabilities": {"setosa": "0.9", "virginica": None}}, FLOWER, False),
        ({"prediction": "setosa"}, KIND, True),
        ({"prediction": "virginica"}, KIND, False),
        (RIGHT, KIND, False),
        ({"prediction": 100_000}, CODE, True),
        ({"prediction": 100_000.0}, CODE, True),
        ({"prediction": 100_001}, CODE, False),
        ({"prediction": "100000"}, CODE, False),
        ({"prediction": 1}, FLAG, True),
        ({"prediction": True}, FLAG, False),
        ({"prediction": True}, RATIO, False),
        ({"prediction": None}, PRICE, False),
        ({"prediction": math.nan}, PRICE, False),
        ({"prediction": 10**400}, PRICE, False),
        ({}, PRICE, False),
        ({"prediction": 100}, PRICE, True),
        ({"prediction": 100.0005}, PRICE, True),
        ({"prediction": 101}, PRICE, False),
        ({"prediction": "100"}, PRICE, False),
        ({"prediction": 100, "probabilities": [1.0]}, PRICE, False),
        ({"prediction": "odd", "anomaly_score": 0.25}, ANOMALY, True),
        ({"prediction": "odd", "anomaly_score": 0.26}, ANOMALY, False),
        ({"prediction": "odd", "anomaly_score": None}, ANOMALY, False),
        ({"prediction": "odd"}, ANOMALY, False),
        ("ok", FLOWER, False),
        (None, PRICE, False),
    ],
)
def test_answer_agrees_with_the_example(
    answer: Any,
    example: Example,
    expected: bool,  # noqa: FBT001
) -> None:
    """An answer agrees if labels are equal and numbers within 1e-5; another form never does."""
    assert agrees(answer, example) is expected
