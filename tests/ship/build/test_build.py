"""What a person sees of a build."""

from __future__ import annotations

import io

import pytest

from ship.build.build import BuildOutput, warn_of_ignored_data
from ship.build.workspace import Workspace
from tests.support.checkouts.checkout import Checkout
from tests.support.models.folder import Folder, two_classes


@pytest.mark.parametrize("target", ["", "bundle "])
def test_steps_are_shown_by_their_stage(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A step is shown by its stage, whether one target is built or several are."""
    log = io.StringIO()
    output = BuildOutput(log)
    line = f'#32 [{target}trainer 2/2] RUN --network=none python -m train "iris"'
    output.add(f"{line}\n")
    assert capsys.readouterr().out == '  trainer: RUN --network=none python -m train "iris"\n'
    assert log.getvalue() == f"{line}\n"


def test_data_that_git_ignores_is_named(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that trains here and nowhere else is a warning, until git tracks it."""
    path = checkout.models / "made"
    path.mkdir(parents=True)
    Folder(path).write(two_classes())
    monkeypatch.setenv("MODELS", str(checkout.models))
    workspace = Workspace("made", "", checkout.root / "dist")
    warn_of_ignored_data(workspace)
    assert capsys.readouterr().out == ""
    (checkout.root / ".gitignore").write_text("*.csv\n")
    warn_of_ignored_data(workspace)
    printed = capsys.readouterr().out
    assert printed.startswith(f"  warning: {path / 'data.csv'} is left out of git by .gitignore")
    command = printed.partition("Add it: ")[2].partition(";")[0]
    checkout.git(*command.split()[1:])
    warn_of_ignored_data(workspace)
    assert capsys.readouterr().out == ""
