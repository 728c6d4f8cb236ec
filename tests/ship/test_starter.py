"""The repository that `make starter` writes: it calls this tool where it is, and holds a model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contract import models
from ship import git
from ship.errors import StageError, UsageError
from ship.starter import COMMIT, REPOSITORY, pin, starter
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import Fork

WORKFLOWS = ".github/workflows"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A clone of the tool from GitHub."""
    (tmp_path / "tool").mkdir()
    clone = Fork(tmp_path / "tool")
    clone.commit()
    clone.git("remote", "add", "origin", "https://github.com/octo/images.git")
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    monkeypatch.setattr(git, "TOOL", clone.root)
    return clone


def called(folder: Path) -> dict[str, str]:
    """Return what each job of each workflow there calls."""
    return {
        f"{file.stem}/{name}": job["uses"]
        for file in (folder / WORKFLOWS).glob("*.yml")
        for name, job in yaml.safe_load(file.read_text())["jobs"].items()
    }


def test_starter_calls_the_tool_at_its_commit(tool: Checkout, tmp_path: Path) -> None:
    """Each workflow names the tool's repository and commit, and one that can be called there."""
    assert starter({"DIR": str(tmp_path / "shop")}) == 0
    uses = called(tmp_path / "shop")
    prefix, suffix = f"octo/images/{WORKFLOWS}/", f"@{tool.git('rev-parse', 'HEAD')}"
    assert len(uses) > 3
    for use in uses.values():
        file = use.removeprefix(prefix).removesuffix(suffix)
        content = yaml.safe_load((tool.root / WORKFLOWS / file).read_text())
        assert "workflow_call" in content[True]
    texts = "".join(f.read_text() for f in (tmp_path / "shop").rglob("*.*") if f.is_file())
    assert [word for word in (REPOSITORY, COMMIT) if word in texts] == []
    assert models.names(tmp_path / "shop/model") == ["wine"]


def test_starter_grants_what_each_called_workflow_asks_for(tool: Checkout, tmp_path: Path) -> None:
    """GitHub starts no run whose called jobs ask for more than the caller grants."""
    starter({"DIR": str(tmp_path / "shop")})
    for file in (tmp_path / "shop" / WORKFLOWS).glob("*.yml"):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            asked = permissions(tool.root, Path(job["uses"].partition("@")[0]).name)
            assert job["permissions"] == asked, job["uses"]


def permissions(tool: Path, workflow: str) -> dict[str, str]:
    """Return the union of what the jobs of a workflow, and of those that it calls, ask for."""
    total: dict[str, str] = {}
    for job in yaml.safe_load((tool / WORKFLOWS / workflow).read_text())["jobs"].values():
        nested = permissions(tool, Path(job["uses"]).name) if "uses" in job else {}
        for asked in (job["permissions"], nested):
            total |= {scope: level for scope, level in asked.items() if total.get(scope) != "write"}
    return total


def test_starter_names_the_release_of_the_tool(tool: Checkout) -> None:
    """The version beside a commit is that of its tag; Dependabot reads it."""
    assert pin(tool.root).version == "main"
    tool.git("tag", "v1.4.0")
    assert pin(tool.root) == ("octo/images", tool.git("rev-parse", "HEAD"), "v1.4.0")


def test_starter_wants_a_tool_that_is_on_github(tool: Checkout, tmp_path: Path) -> None:
    """A commit that nobody can call is refused, and nothing is written."""
    tool.commit(README_dot_md="mine alone")
    with pytest.raises(StageError, match=r"must be on GitHub.*that is not pushed"):
        starter({"DIR": str(tmp_path / "shop")})
    tool.git("remote", "remove", "origin")
    with pytest.raises(StageError, match="a checkout without an origin"):
        starter({"DIR": str(tmp_path / "shop")})
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("settings", "fault"),
    [({}, "DIR must be the folder"), ({"DIR": "x", "CSV": "a.csv"}, "must go together"),
     ({"DIR": "."}, "DIR must be absent or an empty folder")],
)  # fmt: skip
def test_starter_refuses_what_does_not_fit(
    settings: dict[str, str], fault: str, tool: Checkout
) -> None:
    """Each mistake is told with an example."""
    with pytest.raises(UsageError, match=f"{fault}.*Example: make starter DIR="):
        starter(settings)


def test_readme_shows_the_callers_workflow() -> None:
    """What README's first screen shows is the file of the starter, and short."""
    shown = (git.TOOL / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    assert (git.TOOL / "starter" / WORKFLOWS / "models.yml").read_text().endswith(f"\n{shown}")
    assert shown.startswith("name: models\n")
    assert len([line for line in shown.splitlines() if line]) <= 17


@pytest.mark.slow
def test_starter_turns_a_table_into_its_first_model(tool: Checkout, tmp_path: Path) -> None:
    """The model is called after the table, and the sample is left out; nothing else differs."""
    table = tmp_path / "Red wine.csv"
    rows = "".join(f"{i},{i % 7},{'good' if i % 7 > 3 else 'bad'}\n" for i in range(200))
    table.write_text("age,acid,quality\n" + rows)
    environment = {**os.environ, "DIR": str(tmp_path / "shop"), "CSV": str(table),
                   "TARGET": "quality"}  # fmt: skip
    command = [sys.executable, "-m", "ship", "starter"]
    made = subprocess.run(command, cwd=tool.root, env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert models.names(tmp_path / "shop/model") == ["red_wine"]
    assert "make -C" in made.stdout
    environment |= {"DIR": str(tmp_path / "b"), "TARGET": "no"}
    failed = subprocess.run(command, cwd=tool.root, env=environment, capture_output=True, text=True,
                            check=False)  # fmt: skip
    assert failed.returncode != 0
    assert not (tmp_path / "b").exists()
