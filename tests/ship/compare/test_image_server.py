"""What a measured container answers is read as far as an answer about one row can go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from contract.bundle import Bundle
from ship.compare.image_server import LARGEST, ImageServer
from ship.errors import StageError

pytestmark = pytest.mark.slow  # trains models


@pytest.fixture
def flood() -> Iterator[int]:
    """The port of a server whose one answer goes on for as long as somebody reads."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(64):
                try:
                    connection.sendall(b"x" * LARGEST)
                except OSError:
                    return

    thread = threading.Thread(target=answer)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
        thread.join()


def test_answer_without_an_end_is_refused(flood: int, good: Bundle) -> None:
    """An image whose answer never ends is refused before it fills the memory."""
    server = ImageServer(flood, good)
    with pytest.raises(StageError, match="An answer must have at most"):
        server.ask()
    server.connection.close()
