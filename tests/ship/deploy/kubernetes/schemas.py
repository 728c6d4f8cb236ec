"""The real schemas of resources that Kubernetes itself does not have, out of their projects.

Each project publishes them in its Go module, which Go fetches by version and holds against its
checksum database.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

DEBIAN = "/usr/lib/go-1.24/bin/go"
MODULES = {
    "HTTPRoute": (
        "sigs.k8s.io/gateway-api@v1.4.1",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
    "ServiceMonitor": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ),
    "InferenceService": (
        "github.com/kserve/kserve@v0.16.0",
        "config/crd/full/serving.kserve.io_inferenceservices.yaml",
    ),
}


def fetch(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the schema of each kind, as its custom resource definition has it."""
    go = shutil.which("go") or DEBIAN
    subprocess.run([go, "mod", "init", "schemas"], cwd=folder, capture_output=True, check=True)
    schemas = {}
    for kind, (module, path) in MODULES.items():
        command = [go, "mod", "download", "-json", module]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert printed.returncode == 0, printed.stdout + printed.stderr
        definition = yaml.safe_load(Path(json.loads(printed.stdout)["Dir"], path).read_text())
        versions = {version["name"]: version for version in definition["spec"]["versions"]}
        for name, version in versions.items():
            schemas[f"{kind} {name}"] = closed(version["schema"]["openAPIV3Schema"])
    return schemas


def closed(schema: Any) -> Any:
    """Let a schema refuse fields it does not name, as the API server warns of, or drops, them."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result
