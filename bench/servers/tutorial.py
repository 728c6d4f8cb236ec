"""The server of most tutorials: FastAPI, a pickle, and two calls of the model per request."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

model = pickle.loads(Path(os.environ["PICKLE"]).read_bytes())  # noqa: S301 - ours
app = FastAPI()


class Row(BaseModel):
    """The body of a request."""

    features: list[float]


@app.post("/predict")
def predict(row: Row) -> dict[str, object]:
    """Return the label and the probabilities of one row."""
    return {
        "prediction": model.predict([row.features]).tolist()[0],
        "probabilities": model.predict_proba([row.features])[0].tolist(),
    }
