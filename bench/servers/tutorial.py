"""What tutorials teach: FastAPI, a pickle, and two calls per request."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

model = pickle.loads(Path(os.environ["PICKLE"]).read_bytes())  # noqa: S301 - ours
app = FastAPI()


class Row(BaseModel):
    features: list[float]


@app.post("/predict")
def predict(row: Row) -> dict[str, object]:
    return {
        "prediction": model.predict([row.features]).tolist()[0],
        "probabilities": model.predict_proba([row.features])[0].tolist(),
    }
