"""Boosters are looked for in whatever scikit-learn holds, which may lead back to itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from train.export.boosters.stand_in import replaced


@pytest.fixture
def routing() -> Iterator[None]:
    """Let estimators say which weights they want, as a model with `sample_weight` does."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_what_leads_back_to_itself_is_looked_at_once(routing: None) -> None:
    """What a classifier asks of weights names the classifier, and neither is changed."""
    classifier = LogisticRegression().set_fit_request(sample_weight=True)
    classifier.fit(np.arange(8.0).reshape(-1, 1), [0, 1] * 4, sample_weight=np.ones(8))
    asked = classifier._metadata_request  # noqa: SLF001 - no public way
    pipeline = Pipeline([("classifier", classifier)])
    assert replaced(pipeline) is pipeline
    assert pipeline[-1] is classifier
    assert classifier._metadata_request is asked  # noqa: SLF001
