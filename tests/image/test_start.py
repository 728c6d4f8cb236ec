from __future__ import annotations

import time

import pytest

from model.bundle import Bundle
from tests.image.container import Container

pytestmark = pytest.mark.docker
LIMITS = {"onnx": 0.8, "joblib": 5.0}  # seconds from `docker run` to the first good answer
ATTEMPTS = 10  # on a busy machine one start in ten must show what the image can do


def test_image_answers_soon_after_docker_run(image: str, bundle: Bundle) -> None:
    """An ONNX image answers within 0.8 s of `docker run`; scikit-learn takes longer to import."""
    limit = LIMITS[bundle.manifest.runtime]
    seconds = [first_answer(image, bundle)]
    while min(seconds) > limit and len(seconds) < ATTEMPTS:
        seconds.append(first_answer(image, bundle))
    assert min(seconds) <= limit


def first_answer(image: str, bundle: Bundle) -> float:
    started = time.monotonic()
    with Container(image, "--network=bridge") as container:
        body = {"features": bundle.examples[0].features}
        reply = container.wait_ready().post("/predict", body)
        seconds = time.monotonic() - started
    assert reply.status_code == 200
    return seconds
