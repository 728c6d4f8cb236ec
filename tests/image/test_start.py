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

    Where a container that does nothing takes its time already, three times that is soon; where
    other programs take the processors, so many seconds of processor time are.
    """
    limit = LIMITS[bundle.manifest.runtime]
    nothing = answer = work = math.inf
    for _ in range(ATTEMPTS):
        nothing = min(nothing, do_nothing(image))
        seconds, processor_seconds = first_answer(image, bundle)
        answer, work = min(answer, seconds), min(work, processor_seconds)
        if answer <= max(limit, SLOWER * nothing) or work <= limit:
            return
    pytest.fail(f"It took {answer:.2f} s, {work:.2f} s of them of a processor, where a container "
                f"that does nothing takes {nothing:.2f}")  # fmt: skip


def do_nothing(image: str) -> float:
    """Return the seconds that the engine and Python take by themselves."""
    started = time.monotonic()
    docker("run", "--rm", "--entrypoint=python", image, "-c", "pass")
    return time.monotonic() - started


def first_answer(image: str, bundle: Bundle) -> tuple[float, float]:
    """Return the seconds from `docker run` to the first good answer, and those of a processor."""
    started = time.monotonic()
    with Container(image, "--network=bridge") as container:
        body = {"features": bundle.examples[0].features}
        reply = container.wait_ready().post("/predict", body)
        seconds = time.monotonic() - started
        processor_seconds = container.processor_seconds()
    assert reply.status_code == 200
    return seconds, processor_seconds
