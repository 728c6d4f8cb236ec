"""Files that a stranger may have left: what is read of them, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ship.errors import ShipError
from ship.files.bounded import read_file


def test_small_file_is_read_whole(tmp_path: Path) -> None:
    """As long as it has at most as many bytes as it may."""
    (tmp_path / "file").write_bytes(b"1234")
    assert read_file(tmp_path / "file", 4) == b"1234"
    with pytest.raises(ShipError, match=r"at most 3 bytes\. Got 4 instead"):
        read_file(tmp_path / "file", 3)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A device never ends, a pipe never begins, and a link leads anywhere."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for file in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/null")):
        with pytest.raises(ShipError, match="must be a regular file"):
            read_file(file)


def test_absent_file_is_told_in_our_words(tmp_path: Path) -> None:
    """Whoever hands on too little is told what is missing."""
    with pytest.raises(ShipError, match="nowhere must be a readable file"):
        read_file(tmp_path / "nowhere")
