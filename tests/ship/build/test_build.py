"""What a person sees of a build."""

from __future__ import annotations

import io

import pytest

from ship.build.build import BuildOutput


@pytest.mark.parametrize("target", ["", "bundle "])
def test_steps_are_shown_by_their_stage(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A step is shown by its stage, whether one target is built or several are."""
    log = io.StringIO()
    output = BuildOutput(log)
    line = f'#32 [{target}trainer 2/2] RUN --network=none python -m train "iris"'
    output.add(f"{line}\n")
    assert capsys.readouterr().out == '  trainer: RUN --network=none python -m train "iris"\n'
    assert log.getvalue() == f"{line}\n"
