"""LitServe, in the way that its documentation serves scikit-learn."""

# Its library is in an environment of its own.
# mypy: ignore-errors
from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import litserve


class Forest(litserve.LitAPI):
    """The API of the forest."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        """Load the forest."""
        self.model = pickle.loads(Path(os.environ["PICKLE"]).read_bytes())  # noqa: S301 - ours

    def decode_request(self, request) -> list[float]:  # noqa: ANN001 - LitServe would parse it
        """Return the row of a request."""
        return request["features"]

    def predict(self, row: list[float]) -> tuple[Any, Any]:
        """Return the label and the probabilities of one row."""
        return self.model.predict([row]).tolist()[0], self.model.predict_proba([row]).tolist()[0]

    def encode_response(self, output: tuple[Any, Any]) -> dict[str, Any]:
        """Return the answer as JSON holds it."""
        return {"prediction": output[0], "probabilities": output[1]}


if __name__ == "__main__":
    server = litserve.LitServer(Forest(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
