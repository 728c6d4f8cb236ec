"""Modules that models share: who uses them, what follows from their edits, what a build gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import ModelError
from ship.build import shared_modules
from ship.build.inputs import Plan, plan
from tests.support.checkouts.checkout import Checkout

FILES = {
    "Dockerfile": "FROM scratch",
    "train/fit.py": "fit",
    "model/iris/model.toml": "iris",
    "model/iris/estimator.py": "from model._shared.steps import Ratios",
    "model/wine/estimator.py": "import importlib\nimportlib.import_module('model._other')",
    "model/penguins/estimator.py": "steps_shared = 1",
    "model/_shared/steps.py": "from .deep import numbers",
    "model/_shared/deep/numbers.py": "from ..._base import number",
    "model/_shared/README.md": "notes",
    "model/_base/number.py": "one = 1",
    "model/_other/__init__.py": "",
}


@pytest.fixture
def models(checkout: Checkout) -> Checkout:
    """A checkout with three models, of which two use modules that models share."""
    for name, content in FILES.items():
        edit(checkout, name, content)
    checkout.commit()
    return checkout


def edit(models: Checkout, file: str, content: str = "changed = 1") -> None:
    """Write a file."""
    path = models.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def planned(models: Checkout) -> dict[str, Plan]:
    """Return what each model is made from."""
    names = ("iris", "wine", "penguins")
    return {name: plan(name, models.models, models.root) for name in names}


@pytest.mark.daily(1)
@pytest.mark.parametrize(
    ("file", "users"),
    [
        ("model/_shared/steps.py", {"iris"}),
        ("model/_shared/deep/numbers.py", {"iris"}),
        ("model/_shared/new.py", {"iris"}),
        ("model/_base/number.py", {"iris"}),
        ("model/_other/__init__.py", {"wine"}),
        ("model/_other/more.py", {"wine"}),
        ("model/_shared/README.md", set()),
        ("model/_unused/steps.py", set()),
    ],
)
def test_edit_of_a_shared_module_changes_those_that_use_it(
    models: Checkout, file: str, users: set[str]
) -> None:
    """Hash, revision and date change for the models that use it, by another one too; no other's."""
    before = planned(models)
    edit(models, file)
    sha = models.commit()
    after = planned(models)
    assert {name for name in before if before[name] != after[name]} == users
    for name in users:
        assert before[name].bundle.hash != after[name].bundle.hash
        assert before[name].image.hash != after[name].image.hash
        assert after[name].bundle.revision == sha


def test_edit_that_is_not_committed_marks_those_that_use_it(models: Checkout) -> None:
    """A revision claims no commit that does not hold the shared modules."""
    edit(models, "model/_base/number.py")
    dirty = {
        name for name, made in planned(models).items() if made.bundle.revision[-6:] == "-dirty"
    }
    assert dirty == {"iris"}


@pytest.mark.nightly
def test_removal_of_a_shared_module_changes_those_that_use_it(models: Checkout) -> None:
    """A module that is gone is a change of those that used it."""
    before = planned(models)
    (models.root / "model/_shared/deep/numbers.py").unlink()
    sha = models.commit()
    after = planned(models)
    assert {name for name in before if before[name] != after[name]} == {"iris"}
    assert after["iris"].bundle.revision == sha


def test_build_gets_the_modules_that_its_model_uses(models: Checkout) -> None:
    """The folder for a build has them at their places, and nothing else; without any it is none."""
    edit(models, ".gitignore", "*.pyc\nsecret.py\n")
    edit(models, "model/_shared/secret.py")
    with shared_modules.copied("iris", models.models) as folder:
        files = {
            str(file.relative_to(folder)) for file in Path(folder).rglob("*") if file.is_file()
        }
        assert files == {"_base/number.py", "_shared/steps.py", "_shared/deep/numbers.py"}
    assert not Path(folder).exists()
    with shared_modules.copied("penguins", models.models) as folder:
        assert folder == ""


def test_shared_folder_that_is_a_link_is_refused(models: Checkout) -> None:
    """A link that a model uses is refused: neither git nor a build follows it."""
    (models.models / "_linked").symlink_to(models.models / "_shared")
    assert set(shared_modules.used_by("iris", models.models)) == {"_shared", "_base"}
    edit(models, "model/penguins/estimator.py", "from model import _linked")
    with pytest.raises(ModelError, match=r"_linked must be a folder of its own\. Got a link"):
        shared_modules.used_by("penguins", models.models)


def test_link_among_the_modules_is_not_read(models: Checkout, tmp_path: Path) -> None:
    """What a link leads to on this machine neither counts as code nor enters a build."""
    (tmp_path / "private").write_text("_other")
    (models.models / "iris/more.py").symlink_to(tmp_path / "private")
    (models.models / "_base/more.py").symlink_to(tmp_path / "private")
    assert set(shared_modules.used_by("iris", models.models)) == {"_shared", "_base"}
    with shared_modules.copied("iris", models.models) as folder:
        assert Path(folder, "_base/more.py").readlink() == tmp_path / "private"
