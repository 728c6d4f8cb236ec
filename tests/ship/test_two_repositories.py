"""Models in a git repository of their own, which the tool's is never taken for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import ModelError
from ship import git, settings
from ship.build.inputs import Inputs, plan
from ship.errors import ShipError, StageError, UsageError
from ship.pipeline.publish import refuse_uncommitted
from ship.registry.remote import Registry
from ship.supply_chain.expected_identity import fits
from ship.supply_chain.identity import Claim
from ship.tags import tags_of_head
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import Fork

ADDRESS = "https://example.com/octo/models"
REGISTRY = Registry("127.0.0.1:9/owner/iris")


@pytest.fixture
def tool(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout of the tool, with a model of its own that shares its name with another."""
    monkeypatch.setattr(git, "TOOL", checkout.root)
    checkout.commit(
        Dockerfile="FROM scratch", train__fit_dot_py="fit", serve__app_dot_py="app",
        model__iris__model_dot_toml="the tool's",
    )  # fmt: skip
    return checkout


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models below the top of another repository, with an origin."""
    (tmp_path / "shop").mkdir()
    shop = Checkout(tmp_path / "shop")
    shop.git("remote", "add", "origin", f"{ADDRESS}.git")
    shop.commit(
        README_dot_md="shop", models__iris__model_dot_toml="iris",
        models__wine__model_dot_toml="wine",
    )  # fmt: skip
    return shop.root / "models"


def commit(folder: Path, file: str, content: str) -> str:
    """Commit a file below a folder of a checkout, and return the sha."""
    (folder / file).write_text(content)
    git.git("add", "--all", root=folder)
    git.git("commit", "--quiet", "--message=Change", root=folder)
    return git.git("rev-parse", "HEAD", root=folder)


def inputs(models: Path, tool: Checkout, model: str = "iris") -> Inputs:
    """Return what the image of a model is made from."""
    return plan(model, models, tool.root).image


def test_revision_is_of_the_models_repository(models: Path, tool: Checkout) -> None:
    """The revision is the commit of the models' repository; the tool's has a label of its own."""
    mine = commit(models, "iris/model.toml", "changed")
    theirs = tool.commit(serve__app_dot_py="changed")
    hashed = inputs(models, tool)
    assert (hashed.revision, hashed.tool) == (mine, theirs)


def test_date_is_of_the_later_commit(
    models: Path, tool: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The date of an image is that of the later of the two commits."""
    iris, code = models / "iris/model.toml", tool.root / "train/fit.py"
    for file, year, later in ((iris, 2031, 2031), (code, 2033, 2033), (iris, 2032, 2033)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-01-01T00:00:00Z")
        commit(file.parent, file.name, str(year))
        assert inputs(models, tool).version.startswith(f"{later}.01.01-")


def test_edit_of_the_tool_changes_every_model(models: Path, tool: Checkout) -> None:
    """Code that trains or serves shapes each model, wherever its folder lies."""
    names = ("iris", "wine")
    before = {name: inputs(models, tool, name) for name in names}
    tool.commit(train__fit_dot_py="changed")
    assert all(inputs(models, tool, name).hash != before[name].hash for name in names)


@pytest.mark.parametrize("file", ["wine/model.toml", "README.md", "../README.md"])
def test_what_is_not_of_the_model_changes_nothing(models: Path, tool: Checkout, file: str) -> None:
    """A commit of another model or of documentation leaves a model's inputs as they are."""
    before = inputs(models, tool)
    commit(models, file, "changed")
    tool.commit(model__iris__model_dot_toml="changed", README_dot_md="changed")
    assert inputs(models, tool) == before


def test_hash_does_not_tell_where_the_models_are(models: Path, tool: Checkout) -> None:
    """The hash of a model does not change when it moves to another repository."""
    away = inputs(models, tool)
    tool.commit(model__iris__model_dot_toml="iris")
    home = plan("iris", tool.models, tool.root).image
    assert away.hash == home.hash
    assert home.revision == git.last_commit(root=tool.root).sha


def test_change_that_is_not_committed_marks_its_own_repository(
    models: Path, tool: Checkout
) -> None:
    """Uncommitted changes mark only the revision of their own repository as dirty."""
    (tool.root / "train/fit.py").write_text("changed")
    hashed = inputs(models, tool)
    assert (hashed.revision[-6:] == "-dirty", hashed.tool[-6:] == "-dirty") == (False, True)
    tool.commit()
    (models / "iris/model.toml").write_text("changed")
    hashed = inputs(models, tool)
    assert (hashed.revision[-6:] == "-dirty", hashed.tool[-6:] == "-dirty") == (True, False)


def test_link_counts_by_its_own_text(models: Path, tool: Checkout, tmp_path: Path) -> None:
    """A link in a model's folder is hashed by its target's path, and not followed."""
    (tmp_path / "secret").write_text("one")
    (models / "iris/data.csv").symlink_to(tmp_path / "secret")
    before = inputs(models, tool).hash
    (tmp_path / "secret").write_text("two")
    assert inputs(models, tool).hash == before
    (models / "iris/data.csv").unlink()
    (models / "iris/data.csv").symlink_to("/dev/zero")
    assert inputs(models, tool).hash != before


def test_ignored_model_is_an_error(models: Path, tool: Checkout) -> None:
    """A model that git ignores is refused, as its hash would not change with it."""
    commit(models, ".gitignore", "/new/")
    (models / "new").mkdir()
    (models / "new/model.toml").touch()
    with pytest.raises(ShipError, match=r"models/new must hold files that git would add"):
        inputs(models, tool, "new")


def test_models_must_be_in_a_checkout(tool: Checkout, tmp_path: Path) -> None:
    """Models outside any git repository are refused."""
    (tmp_path / "nowhere/iris").mkdir(parents=True)
    with pytest.raises(ShipError, match=r"nowhere must be a git checkout.*not a git repository"):
        plan("iris", tmp_path / "nowhere", tool.root)


def test_hook_of_one_repository_does_not_stand_for_the_other(
    models: Path, tool: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a git hook, git's variables for one repository do not change what is read of the other."""
    before = inputs(models, tool)
    monkeypatch.setenv("GIT_DIR", str(models.parent / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(models.parent))
    assert inputs(models, tool) == before


def test_tags_are_those_of_the_models_repository(models: Path, tool: Checkout) -> None:
    """Branch and commit are those of the models' repository, not the tool's."""
    shop = models.parent
    git.git("tag", "iris-v1.2.3", root=shop)
    tool.git("tag", "iris-v9.9.9")
    git.git("switch", "--quiet", "--create", "trunk", root=shop)
    sha = git.last_commit(root=shop).sha
    names = [tag.name for tag in tags_of_head("0123", models)]
    assert names == [f"sha-{sha[:12]}", "inputs-0123", "trunk"]


@pytest.mark.parametrize("changed", ["models", "tool"])
def test_tag_says_that_either_repository_holds_changes(
    models: Path, tool: Checkout, changed: str
) -> None:
    """An image that no two commits give is tagged as such, and as no version and no branch."""
    git.git("tag", "iris-v1.2.3", root=models)
    sha = git.last_commit(root=models).sha
    ({"models": models, "tool": tool.root}[changed] / "new").touch()
    assert [tag.name for tag in tags_of_head("0123", models)] == [f"sha-{sha[:12]}-dirty"]


def test_commit_of_a_tag_is_one_of_the_models_repository(models: Path, tool: Checkout) -> None:
    """`sha-…` is held against the model's folder there, and not against the tool's files."""
    claim = Claim("iris", "1", git.last_commit(root=models).sha)
    other = commit(models, "wine/model.toml", "changed")
    changed = commit(models, "iris/model.toml", "changed")
    tool.commit(train__fit_dot_py="changed")
    assert fits(other[:12], claim, models, tool.root)
    assert not fits(changed[:12], claim, models, tool.root)


def test_neither_repository_may_hold_changes_that_are_published(
    models: Path, tool: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing to a registry is refused if either repository has uncommitted changes."""
    monkeypatch.setenv("MODELS", str(models))
    refuse_uncommitted(REGISTRY)
    for folder in (models.parent, tool.root):
        (folder / "new").touch()
        with pytest.raises(StageError, match=f"{folder} must have no uncommitted change"):
            refuse_uncommitted(REGISTRY)
        (folder / "new").unlink()


def test_setting_without_a_model_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A MODELS folder without a model is refused, with what to do."""
    monkeypatch.setenv("MODELS", str(tmp_path))
    with pytest.raises(UsageError, match=r"MODELS must be a folder with a model in it.*new-model"):
        _ = settings.read([]).models
    with pytest.raises(UsageError, match=r"MODELS must be a folder with a model in it"):
        settings.read(["MODEL"], {"MODEL": "iris"})
    monkeypatch.setenv("MODELS", str(tmp_path / "absent"))
    with pytest.raises(ModelError, match=r"MODELS must be a folder\. Got .*/absent instead"):
        settings.read(["MODEL"], {"MODEL": "iris"})


def test_plan_is_told_where_the_models_are(models: Path, tmp_path: Path) -> None:
    """`plan` takes a relative MODELS, and names the tag of the models' commit."""
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    fork.commit()
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(fork.root), "MODELS": "models",
        "RELEASE": "v1.0.0",
    }  # fmt: skip
    process = subprocess.run(
        [sys.executable, "-S", "-m", "ship", "plan"],
        cwd=models.parent, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    sha = git.last_commit(root=models).sha
    assert process.stdout == f'models=["iris", "wine"]\ntag=sha-{sha[:12]}\n'


def test_repository_without_a_model_plans_nothing(tmp_path: Path) -> None:
    """A fork without any model plans nothing, and does not fail."""
    repository = Checkout(tmp_path)
    repository.commit(readme="none yet")
    process = subprocess.run([sys.executable, "-m", "ship", "plan"], cwd=git.TOOL, text=True,
                          env={**os.environ, "MODELS": str(tmp_path)},
                          capture_output=True, check=True)  # fmt: skip
    assert "models=[]\n" in process.stdout
