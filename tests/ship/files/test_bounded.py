"""Files that a stranger may have left: what is read of them, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ship.errors import ShipError
from ship.files.bounded import read_file


def test_small_file_is_read_whole(tmp_path: Path) -> None:
    """A file of exactly the limit is read whole."""
    (tmp_path / "file").write_bytes(b"1234")
    assert read_file(tmp_path / "file", 4) == b"1234"
    with pytest.raises(ShipError, match=r"at most 3 bytes\. Got 4 instead"):
        read_file(tmp_path / "file", 3)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A device, a pipe, a folder and a link are refused."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for file in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/null")):
        with pytest.raises(ShipError, match="must be a regular file"):
            read_file(file)


def test_absent_file_is_told_in_our_words(tmp_path: Path) -> None:
    """The error for an absent file names it."""
    with pytest.raises(ShipError, match="nowhere must be a readable file"):
        read_file(tmp_path / "nowhere")
