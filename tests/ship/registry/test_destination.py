"""One way to ask where images are published, whatever is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ship import git
from ship.registry.destination import destination
from ship.registry.layout import Layout
from ship.registry.remote import Registry

KINDS = {"Registry", "Layout"}


def test_nobody_asks_what_kind_of_destination_it_is() -> None:
    """No module asks with isinstance whether a destination is a registry or a folder."""
    asked = [
        f"{file.relative_to(git.TOOL)}:{node.lineno}"
        for file in git.files("ship/*.py", root=git.TOOL)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance"
        if KINDS & {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    ]
    assert asked == []


def test_destination_is_a_folder_until_a_registry_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without REGISTRY the destination is a folder in dist."""
    monkeypatch.delenv("REGISTRY", raising=False)
    folder = destination("iris", tmp_path)
    assert (folder, folder.shared) == (Layout(tmp_path / "registry" / "iris"), False)
    monkeypatch.setenv("REGISTRY", "ghcr.io/owner")
    registry = destination("iris", tmp_path)
    assert (registry, registry.shared) == (Registry("ghcr.io/owner/iris"), True)
