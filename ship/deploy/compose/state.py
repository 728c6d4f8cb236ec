"""What is deployed by Compose: the file that all others are rendered from."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ship.errors import StageError
from ship.files.replace import replace_file


class RunningImage(msgspec.Struct, frozen=True):
    """One image of a model, and the number of its replicas."""

    digest: str
    image: str  # as the engine knows it
    replicas: int


class DeployedModel(msgspec.Struct, frozen=True):
    """The images of one model: what serves, and a candidate with a share of the requests."""

    serving: RunningImage | None = None
    beside: RunningImage | None = None
    share: int = 0  # percent of the requests that `beside` gets

    @property
    def running(self) -> list[RunningImage]:
        """The images that run."""
        return [image for image in (self.serving, self.beside) if image]


State = dict[str, DeployedModel]
FILE = "deployed.json"


def read(folder: Path) -> State:
    """Return what is deployed, nothing where there is no file."""
    file = folder / FILE
    return msgspec.json.decode(file.read_bytes(), type=State) if file.exists() else {}


def write(folder: Path, state: State) -> None:
    """Write the file as a whole, or leave the old one."""
    content = msgspec.json.format(msgspec.json.encode(state))
    replace_file(folder / FILE, content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a project for one deploy at a time; raise StageError while another one runs."""
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
