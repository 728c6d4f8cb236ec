"""A model's Kubernetes manifests: an overlay without a model's name, given a name and an image."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from ship import command
from ship.deploy.engine_image import RunnableImage
from ship.errors import UsageError

FILES = Path(__file__).parent
CODE = shutil.ignore_patterns("*.py", "__pycache__")
OVERLAYS = FILES / "overlays"
STABLE, CANARY = "stable", "canary"
KUSTOMIZATION = "kustomization.yaml"


def overlays() -> list[str]:
    """Return the names of the overlays."""
    return sorted(folder.name for folder in OVERLAYS.iterdir())


def namespace(overlay: str) -> str:
    """Return the namespace that an overlay deploys to; raise UsageError for an unknown overlay."""
    if overlay not in overlays():
        raise UsageError(f"OVERLAY must be one of {', '.join(overlays())}. Got {overlay} instead.")
    return str(yaml.safe_load((OVERLAYS / overlay / KUSTOMIZATION).read_text())["namespace"])


def name(model: str, track: str = STABLE) -> str:
    """Return the name of a model's Deployment and Service, in which no underscore is allowed."""
    suffix = "-canary" if track == CANARY else ""
    return f"{model.replace('_', '-')}-model{suffix}"


def render(image: RunnableImage, overlay: str, candidate_share: int = 0) -> str:
    """Return all manifests of a model; its route sends `candidate_share` percent to the canary."""
    changes = [route(image.model, candidate_share)] if overlay != "kserve" else []
    return build({
        **common(image, STABLE),
        "resources": [f"overlays/{overlay}"],
        "patches": changes,
    })  # fmt: skip


def render_canary(image: RunnableImage, overlay: str) -> str:
    """Return the Deployment and Service of a candidate."""
    return build({
        **common(image, CANARY),
        "namespace": namespace(overlay),
        "resources": ["canary"],
    })  # fmt: skip


def common(image: RunnableImage, track: str) -> dict[str, Any]:
    """Return the kustomization that gives all resources the model's name, image and labels."""
    repository, _, digest = image.reference.partition("@")
    selectors = {"app.kubernetes.io/name": image.model, "model-images/track": track}
    monitored = {"kind": "ServiceMonitor", "path": "spec/selector/matchLabels", "create": True}
    digest_label = {"model-images/digest": digest.removeprefix("sha256:")[:12]}
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namePrefix": f"{image.model.replace('_', '-')}-",
        "images": [{"name": "model", "newName": repository, "digest": digest}],
        "labels": [
            {"pairs": selectors, "includeSelectors": True, "fields": [monitored]},
            {"pairs": digest_label, "includeTemplates": True},
        ],
    }


def route(model: str, candidate_share: int) -> dict[str, Any]:
    """Return the patch that gives a route its path, and the canary its weight."""
    backends = "/spec/rules/0/backendRefs"
    changes: list[dict[str, Any]] = [
        {"op": "replace", "path": "/spec/rules/0/matches/0/path/value", "value": f"/{model}"},
        {"op": "replace", "path": f"{backends}/0/weight", "value": 100 - candidate_share},
    ]
    if candidate_share:
        canary = {"name": name(model, CANARY), "port": 80, "weight": candidate_share}
        changes.append({"op": "add", "path": f"{backends}/-", "value": canary})
    return {"target": {"kind": "HTTPRoute"}, "patch": yaml.safe_dump(changes)}


def build(kustomization: dict[str, Any]) -> str:
    """Return the manifests of a kustomization beside the files of this folder."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FILES, folder, ignore=CODE, dirs_exist_ok=True)
        Path(folder, KUSTOMIZATION).write_text(yaml.safe_dump(kustomization))
        return command.run("kubectl", "kustomize", folder)
