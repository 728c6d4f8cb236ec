"""The models and the contract they follow: one folder here is one model is one image."""

from pathlib import Path

ROOT = Path(__file__).parent


def names(root: Path = ROOT) -> list[str]:
    """Return the name of every model: the folders that hold a model.toml, sorted."""
    return sorted(file.parent.name for file in root.glob("*/model.toml"))
