"""A cluster in memory for kubectl's verbs: it keeps what it is given, and starts nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from ship.deploy.kubernetes.history_configmap import NAME as HISTORY
from ship.deploy.kubernetes.target import Kubernetes
from ship.errors import StageError


@dataclass(frozen=True)
class Cluster(Kubernetes):
    """A namespace: objects by kind and name, and the images that never become ready."""

    objects: dict[tuple[str, str], Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    weights: list[dict[str, int]] = field(default_factory=list)  # of the route, at each apply
    metrics: dict[str, str] = field(default_factory=dict)  # of a replica, by track

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Do what a command of kubectl would do to the objects."""
        assert self.namespace
        assert check or arguments[0] == "logs"
        match arguments:
            case "apply", *_:
                self.keep(yaml.safe_load_all(stdin or ""))
            case "create" | "replace", *_:
                self.keep([json.loads(stdin or "")])
            case "delete", "--ignore-not-found", *_:
                for document in yaml.safe_load_all(stdin or ""):
                    del self.objects[document["kind"], document["metadata"]["name"]]
            case "delete", _, name, *_:
                self.objects.pop(("Deployment", name), None)
                self.objects.pop(("Service", name), None)
            case "rollout", _, deployment, *_:
                if self.image(deployment.removeprefix("deployment/")) in self.broken:
                    raise StageError("timed out waiting for the condition")
            case "logs", *_:
                return "BrokenBundle"
            case "get", kind, *rest:
                return self.found(kind, *rest)
        return ""

    def keep(self, documents: Any) -> None:
        """Keep documents as objects, and the weights of a route."""
        for document in documents:
            self.objects[document["kind"], document["metadata"]["name"]] = document
            if document["kind"] == "HTTPRoute":
                backends = document["spec"]["rules"][0]["backendRefs"]
                self.weights.append({backend["name"]: backend["weight"] for backend in backends})

    def found(self, kind: str, name: str = "", *_: str) -> str:
        """Return what `kubectl get` prints."""
        if kind.startswith("--raw="):
            return self.metrics["canary" if "canary" in kind else "stable"]
        if kind == "pods":
            pod = {"metadata": {"name": name.rpartition("=")[2]}, "status": {"phase": "Running"}}
            return json.dumps({"items": [pod]})
        if kind == "configmap":
            record = self.objects.get(("ConfigMap", HISTORY))
            return json.dumps(record) if record else ""
        return self.image(name)

    def image(self, deployment: str) -> str:
        """Return the image of a deployment, "" if there is none."""
        running = self.objects.get(("Deployment", deployment))
        return str(running["spec"]["template"]["spec"]["containers"][0]["image"]) if running else ""


def numbers(errors: int) -> str:
    """Return the metrics of 100 requests, some of which were errors."""
    return (
        f'http_requests_total{{route="/predict",status="200"}} {100 - errors}\n'
        f'http_requests_total{{route="/predict",status="500"}} {errors}\n'
    )


class Growing(dict[str, str]):
    """Metrics that have counted nothing at the first look, and something at the next ones."""

    def __init__(self, canary_errors: int) -> None:
        self.looks = 0
        self.later = {"stable": numbers(0), "canary": numbers(canary_errors)}

    def __getitem__(self, track: str) -> str:
        self.looks += 1
        return self.later[track] if self.looks > 2 else ""
