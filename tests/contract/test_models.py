"""Where the models are, and which folders there are models."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract import models
from contract.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one model, and with one that is none."""
    for name in ("wine", "notes"):
        (tmp_path / "shop" / name).mkdir(parents=True)
    (tmp_path / "shop" / "wine" / "model.toml").touch()
    return tmp_path / "shop"


@pytest.mark.parametrize("environ", [{}, {"MODELS": ""}])
def test_models_are_beside_the_contract_by_default(environ: dict[str, str]) -> None:
    """Whatever the working directory: in a checkout of the tool, and in the builder."""
    assert models.root(environ) == Path(models.__file__).parents[1] / "model"


def test_models_are_where_the_setting_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path starts where the command was called, and stays what it was from then on."""
    monkeypatch.chdir(folder)
    assert models.root({"MODELS": str(folder)}) == folder
    assert models.root({"MODELS": "../shop"}) == folder


def test_models_must_be_in_a_folder() -> None:
    """A slip in the path is told with the path that it came to."""
    with pytest.raises(ModelError, match=r"MODELS must be a folder\. Got '/no\\x1bwhere'") as error:
        models.root({"MODELS": "/no\x1bwhere"})
    assert error.value.exit_code == 2


def test_a_folder_with_a_spec_is_a_model(folder: Path) -> None:
    """Other folders, and files, are no models."""
    (folder / "model.toml").touch()
    assert models.names(folder) == ["wine"]


@pytest.mark.parametrize("link", ["beer", "notes/model.toml"])
def test_a_link_is_no_model(folder: Path, link: str) -> None:
    """Neither git nor a build follows it, so nothing on the host may."""
    (folder / link).symlink_to(folder / "wine" / Path(link).relative_to(Path(link).parts[0]))
    with pytest.raises(ModelError, match=rf"{link} must be .* its own\. Got a link instead"):
        models.names(folder)
