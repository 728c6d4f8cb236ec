"""How soon a container answers."""

from __future__ import annotations

import math
import time

import pytest

from contract.bundle import Bundle
from tests.image.container import Container, docker

pytestmark = pytest.mark.engine
LIMITS = {"onnx": 0.8, "joblib": 5.0}  # seconds from `docker run` to the first good answer
SLOWER = 3.0  # on a slow or busy machine: at most so many times a container that does nothing
ATTEMPTS = 10


def test_image_answers_soon_after_docker_run(image: str, bundle: Bundle) -> None:
    """An ONNX image answers within 0.8 s of `docker run`; scikit-learn takes longer to import.

    Where a container that does nothing takes its time already, three times that is soon.
    """
    limit = LIMITS[bundle.manifest.runtime]
    nothing = answer = math.inf
    for _ in range(ATTEMPTS):
        nothing = min(nothing, do_nothing(image))
        answer = min(answer, first_answer(image, bundle))
        if answer <= max(limit, SLOWER * nothing):
            return
    pytest.fail(f"It took {answer:.2f} s, where a container that does nothing takes {nothing:.2f}")


def do_nothing(image: str) -> float:
    """Return the seconds that the engine and Python take by themselves."""
    started = time.monotonic()
    docker("run", "--rm", "--entrypoint=python", image, "-c", "pass")
    return time.monotonic() - started


def first_answer(image: str, bundle: Bundle) -> float:
    """Return the seconds from `docker run` to the first good answer."""
    started = time.monotonic()
    with Container(image, "--network=bridge") as container:
        body = {"features": bundle.examples[0].features}
        reply = container.wait_ready().post("/predict", body)
        seconds = time.monotonic() - started
    assert reply.status_code == 200
    return seconds
