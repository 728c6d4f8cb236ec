"""The list of models: each folder of the models' root that holds a model.toml is one."""

from __future__ import annotations

from pathlib import Path

from contract.names import check_name

ROOT = Path(__file__).parents[1] / "model"


def names(root: Path = ROOT) -> list[str]:
    """Return the name of every model: the folders that hold a model.toml, sorted.

    Raises ModelError for such a folder whose name no model may have: it would reach commands,
    images and workflows.
    """
    folders = sorted(file.parent for file in root.glob("*/model.toml"))
    return [check_name(folder.name, "The name of a folder in model/") for folder in folders]
