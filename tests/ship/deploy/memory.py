"""A target in memory: it keeps what is deployed of one model, and starts nothing."""

from __future__ import annotations

from ship.deploy.engine_image import Image
from ship.deploy.history import Entry


class Memory:
    """What serves, and everything that did, in its order."""

    def __init__(self) -> None:
        self.history: list[Entry] = []
        self.rolled_out: list[str] = []

    def serving(self, model: str) -> str | None:  # noqa: ARG002 - of one model
        return self.rolled_out[-1] if self.rolled_out else None

    def roll_out(self, image: Image, *_: object) -> None:
        self.rolled_out.append(image.digest)

    def entries(self) -> list[Entry]:
        return self.history

    def add(self, entry: Entry) -> None:
        self.history.append(entry)
