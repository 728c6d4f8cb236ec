"""The limit of FastAPI: a body that pydantic checks and that is sent back."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    """The body of a request."""

    features: list[float]


app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> Row:
    """Send the body back."""
    return row
