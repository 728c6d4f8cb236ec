"""Let a model's own metrics score the answers of two models: in the builder, never on the host."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from contract.errors import ModelError
from contract.evaluation.own_metrics import Question, Values, read_values, write_questions
from contract.spec.gate import Policy
from ship.build.build import bake
from ship.build.workspace import Workspace
from ship.errors import StageError


def score(workspace: Workspace, policy: Policy, questions: Sequence[Question]) -> dict[str, Values]:
    """Return the values of the metrics that the policy names, by the questions.

    Raises StageError where the metrics fail, and for what cannot be their values.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.folder, prefix=".scored-") as folder:
        asked, out = Path(folder, "asked"), Path(folder, "out")
        write_questions(questions, asked)
        bake(workspace, "scored", {"ASKED": str(asked), "OUT": str(out)}, cache=True)
        try:
            return read_values(out, questions, list(policy.own))
        except ModelError as error:
            raise StageError(str(error)) from error
