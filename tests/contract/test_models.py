"""Where the models are, and which folders there are models."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract import models
from contract.errors import ModelError
from contract.spec import model_toml


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one model, and with one that is none."""
    for name in ("wine", "notes"):
        (tmp_path / "shop" / name).mkdir(parents=True)
    (tmp_path / "shop" / "wine" / "model.toml").touch()
    return tmp_path / "shop"


@pytest.mark.parametrize("environ", [{}, {"MODELS": ""}])
def test_models_are_beside_the_contract_by_default(environ: dict[str, str]) -> None:
    """Without a setting, models are beside the contract, whatever the working directory."""
    assert models.root(environ) == Path(models.__file__).parents[1] / "model"


def test_models_are_where_the_setting_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MODELS may be relative to the working directory in which the command was started."""
    monkeypatch.chdir(folder)
    assert models.root({"MODELS": str(folder)}) == folder
    assert models.root({"MODELS": "../shop"}) == folder


def test_models_must_be_in_a_folder() -> None:
    """A wrong MODELS is refused with the path that it leads to."""
    with pytest.raises(ModelError, match=r"MODELS must be a folder\. Got '/no\\x1bwhere'") as error:
        models.root({"MODELS": "/no\x1bwhere"})
    assert error.value.exit_code == 2


def test_a_folder_with_a_spec_is_a_model(folder: Path) -> None:
    """Other folders, and files, are no models."""
    (folder / "model.toml").touch()
    assert models.names(folder) == ["wine"]


def test_a_folder_of_shared_modules_is_no_model(folder: Path) -> None:
    """A folder whose name begins with an underscore is no model, whatever it holds."""
    (folder / "_shared").mkdir()
    (folder / "_shared" / "model.toml").touch()
    assert models.names(folder) == ["wine"]
    with pytest.raises(ModelError, match="must be at most 40 lower-case letters"):
        model_toml.find("_shared", folder)


@pytest.mark.parametrize("link", ["beer", "notes/model.toml"])
def test_a_link_is_no_model(folder: Path, link: str) -> None:
    """A link to a folder is no model, as neither git nor a build follows it."""
    (folder / link).symlink_to(folder / "wine" / Path(link).relative_to(Path(link).parts[0]))
    with pytest.raises(ModelError, match=rf"{link} must be .* its own\. Got a link instead"):
        models.names(folder)
