"""The labels of an image have their names in one module."""

from __future__ import annotations

from ship import git
from ship.registry import labels


def test_names_of_labels_are_spelled_once() -> None:
    """Who writes a label and who reads it cannot come to differ."""
    spelled = {
        str(file.relative_to(git.TOOL))
        for file in git.files("ship/*.py", root=git.TOOL)
        if any(prefix in file.read_text() for prefix in (labels.OCI, labels.OURS))
    }
    assert spelled == {"ship/registry/labels.py"}
