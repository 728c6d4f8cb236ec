"""What is deployed by Compose: a file that everything else is rendered from."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ship.errors import StageError
from ship.files.replace import replace_file


class Release(msgspec.Struct, frozen=True):
    """One image of a model, and how many replicas of it run."""

    digest: str
    image: str  # as the engine knows it
    replicas: int


class Deployed(msgspec.Struct, frozen=True):
    """What runs of one model: that which serves, and another that gets a share of the requests."""

    serving: Release | None = None
    beside: Release | None = None
    share: int = 0  # percent of the requests that `beside` gets

    @property
    def releases(self) -> list[Release]:
        return [each for each in (self.serving, self.beside) if each]


State = dict[str, Deployed]
FILE = "deployed.json"


def read(folder: Path) -> State:
    file = folder / FILE
    return msgspec.json.decode(file.read_bytes(), type=State) if file.exists() else {}


def write(folder: Path, state: State) -> None:
    """Write a whole new file, or leave the old one."""
    content = msgspec.json.format(msgspec.json.encode(state))
    replace_file(folder / FILE, content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one deploy at a time change a project; another is refused rather than kept waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageError(
                f"{folder} must be changed by one deploy at a time. Another is under way; "
                "run this again when it has ended."
            ) from error
        yield
