"""The limit of the framework: FastAPI with a pydantic body that is sent back."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    features: list[float]


app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> Row:
    return row
