"""A target in memory: it keeps what is deployed of one model, and starts nothing."""

from __future__ import annotations

from ship.deploy.engine_image import RunnableImage
from ship.deploy.history import Entry


class Memory:
    """What serves, and everything that did, in its order."""

    def __init__(self) -> None:
        self.history: list[Entry] = []
        self.rolled_out: list[str] = []

    def serving(self, model: str) -> str | None:  # noqa: ARG002 - of one model
        """Return the digest that was rolled out last."""
        return self.rolled_out[-1] if self.rolled_out else None

    def roll_out(self, image: RunnableImage, *_: object) -> None:
        """Note the image."""
        self.rolled_out.append(image.digest)

    def entries(self) -> list[Entry]:
        """Return the history."""
        return self.history

    def add(self, entry: Entry) -> None:
        """Add an entry to the history."""
        self.history.append(entry)
