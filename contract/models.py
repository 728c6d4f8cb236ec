"""Where the models are, and which: each folder there that holds a model.toml is one.

One that begins with an underscore is none: it holds modules that models share.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from contract.errors import ModelError
from contract.names import check_name

DEFAULT = Path(__file__).resolve().parents[1] / "model"  # in the tool's checkout
SPEC = "model.toml"
ESTIMATOR = "estimator.py"  # defines build()
METRICS = "metrics.py"  # defines metrics of the model's own
SHARED = "_"  # how the name of a folder of shared modules begins


def root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the models, as an absolute path: MODELS, or `model` beside the tool.

    A relative path starts at the working directory. Raises ModelError for one that is no folder;
    the default may be absent, until its first model is written.
    """
    value = environ.get("MODELS")
    folder = Path(value).resolve() if value else DEFAULT
    if value and not folder.is_dir():
        shown = str(folder) if str(folder).isprintable() else ascii(str(folder))
        cure = "Make it, or name the folder that holds your models' folders."
        raise ModelError("MODELS", "a folder", shown, cure)
    return folder


def names(folder: Path | None = None) -> list[str]:
    """Return the name of every model in `folder` (default: MODELS), sorted.

    Raises ModelError for a name that no model may have, as it would reach commands, images and
    workflows; and for a link, whose target neither git nor a build reads.
    """
    specs = sorted((folder or root()).glob(f"[!{SHARED}]*/{SPEC}"))
    for file in specs:
        check_name(file.parent.name, "The name of a model's folder")
        for path in (file.parent, file):
            if path.is_symlink():
                cure = "Put there what it leads to."
                raise ModelError(path, "a file or folder of its own", "a link", cure)
    return [file.parent.name for file in specs]
