"""The models and the contract they follow: one folder here is one model is one image."""

from pathlib import Path

ROOT = Path(__file__).parent


def names(root: Path = ROOT) -> list[str]:
    """Return the name of every model: the folders that hold a model.toml, sorted.

    Raises ModelError for such a folder whose name no model may have: it would reach commands,
    images and workflows.
    """
    from model.naming import check_name  # noqa: PLC0415 - an image holds this module without that

    folders = sorted(file.parent for file in root.glob("*/model.toml"))
    return [check_name(folder.name, "The name of a folder in model/") for folder in folders]
