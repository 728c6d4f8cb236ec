"""KServe's model server, in the way that its documentation shows a custom predictor."""

# Its library is in an environment of its own.
# mypy: ignore-errors
from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import kserve


class Forest(kserve.Model):
    """The model of the forest."""

    def __init__(self) -> None:
        super().__init__("forest")
        self.model = pickle.loads(Path(os.environ["PICKLE"]).read_bytes())  # noqa: S301 - ours
        self.ready = True

    def predict(self, payload: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Return the labels and the probabilities of rows."""
        rows = payload["instances"]
        return {
            "predictions": self.model.predict(rows).tolist(),
            "probabilities": self.model.predict_proba(rows).tolist(),
        }


if __name__ == "__main__":
    kserve.ModelServer(workers=1).start([Forest()])
