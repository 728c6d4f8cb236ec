"""BentoML, in the way that its documentation serves scikit-learn."""

# Its library is in an environment of its own.
# mypy: ignore-errors
from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import bentoml


@bentoml.service(workers=1)
class Forest:
    """The service of the forest."""

    def __init__(self) -> None:
        self.model = pickle.loads(Path(os.environ["PICKLE"]).read_bytes())  # noqa: S301 - ours

    @bentoml.api
    def predict(self, features: list[float]) -> dict[str, Any]:
        """Return the label and the probabilities of one row."""
        return {
            "prediction": self.model.predict([features]).tolist()[0],
            "probabilities": self.model.predict_proba([features])[0].tolist(),
        }
