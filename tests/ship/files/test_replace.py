"""What a stranger left in dist/ is replaced, and nothing is written through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ship.files.replace import new_file, new_folder, remove, replace_file


def write_log(file: Path) -> None:
    """Write a log that takes its place when it is complete."""
    with new_file(file) as log:
        log.write("new")


def write_file(file: Path) -> None:
    """Replace a file."""
    replace_file(file, b"new")


def make_folder(target: Path) -> None:
    """Make a folder that takes its place when it is complete."""
    with new_folder(target) as folder:
        (folder / "file").write_text("new")


@pytest.mark.parametrize("write", [write_file, write_log, make_folder, remove])
@pytest.mark.parametrize("kind", ["file", "folder", "absent"])
def test_link_is_replaced_and_what_it_leads_to_is_left(
    tmp_path: Path, write: Callable[[Path], None], kind: str
) -> None:
    """Replacing a link leaves what it leads to: a file, a folder or nothing."""
    victim, link = tmp_path / "victim", tmp_path / "dist" / "report.md"
    link.parent.mkdir()
    if kind == "file":
        victim.write_text("old")
    elif kind == "folder":
        victim.mkdir()
        (victim / "file").write_text("old")
    link.symlink_to(victim)
    write(link)
    assert not link.is_symlink()
    assert victim.exists() == (kind != "absent")
    if kind == "file":
        assert victim.read_text() == "old"
    elif kind == "folder":
        assert [(file.name, file.read_text()) for file in victim.iterdir()] == [("file", "old")]
    assert list(link.parent.iterdir()) == ([] if write is remove else [link])


def test_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error on the way leaves the old folder, and nothing beside it."""
    target = tmp_path / "bundle"
    make_folder(target)
    with pytest.raises(FileNotFoundError), new_folder(target) as folder:
        (folder / "absent").read_text()
    assert (target / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]
