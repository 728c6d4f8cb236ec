"""Every overlay, for every model: it renders, the real schemas take it, and it keeps our rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from ship.deploy.engine_image import RunnableImage
from ship.deploy.kubernetes import manifests
from ship.errors import ShipError, UsageError
from tests.ship.deploy.kubernetes import schemas

pytestmark = pytest.mark.engine  # kubectl comes with what `make test` installs
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
VERSIONS = ("1.32.0", "1.37.0")  # of Kubernetes: what is still found, and the newest known
Manifest = dict[str, Any]


def image_of(model: str) -> RunnableImage:
    """Return an image of a model."""
    return RunnableImage(model, DIGEST, f"ghcr.io/owner/{model}@{DIGEST}")


def rendered(model: str, overlay: str) -> list[Manifest]:
    """Return what an overlay deploys; the canary counts as one more."""
    image = image_of(model)
    text = (
        manifests.render_canary(image, "production")
        if overlay == "canary"
        else manifests.render(image, overlay)
    )
    return list(yaml.safe_load_all(text))


@pytest.fixture(params=[*manifests.overlays(), "canary"])
def documents(request: pytest.FixtureRequest, model_name: str) -> list[Manifest]:
    """The manifests of one overlay and one model."""
    return rendered(model_name, request.param)


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    """The schemas of HTTPRoute, ServiceMonitor and InferenceService."""
    return schemas.fetch(tmp_path_factory.mktemp("go"))


def pods(documents: list[Manifest]) -> Iterator[Manifest]:
    """Find the pod specifications, wherever they are."""
    for document in documents:
        if document["kind"] == "Deployment":
            yield document["spec"]["template"]["spec"]
        if document["kind"] == "InferenceService":
            yield document["spec"]["predictor"]


@pytest.mark.daily(4)
def test_overlay_is_taken_by_the_real_schemas(
    documents: list[Manifest], definitions: dict[str, Manifest]
) -> None:
    """Each manifest has fields that its kind has, with values of the right type, and no others."""
    for document in documents:
        version = document["apiVersion"].rpartition("/")[2]
        definition = definitions.get(f"{document['kind']} {version}")
        if definition is None:
            for kubernetes in VERSIONS:
                kubernetes_validate.validate(document, kubernetes, strict=True)
        else:
            jsonschema.Draft202012Validator(definition).validate(document)


def test_schema_refuses_a_field_that_does_not_exist(definitions: dict[str, Manifest]) -> None:
    """A misspelt field of a custom resource is an error, where a cluster would drop it."""
    (route,) = [
        document for document in rendered("iris", "production") if document["kind"] == "HTTPRoute"
    ]
    route["spec"]["rules"][0]["backendRefs"][0]["wieght"] = 1
    with pytest.raises(jsonschema.ValidationError, match="wieght"):
        jsonschema.Draft202012Validator(definitions["HTTPRoute v1"]).validate(route)


def test_overlay_runs_images_by_digest_alone(documents: list[Manifest]) -> None:
    """Every container's image is a digest: no tag, and no latest, can change under it."""
    images = [container["image"] for pod in pods(documents) for container in pod["containers"]]
    assert images
    assert {image.partition("@")[2] for image in images} == {DIGEST}
    assert all(":" not in image.partition("@")[0] for image in images)


def test_overlay_runs_hardened_replicas(documents: list[Manifest]) -> None:
    """No root, no capability, no writable file system, no token, a seccomp profile, limits set."""
    for pod in pods(documents):
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] >= 10_000
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_overlay_asks_the_right_routes(documents: list[Manifest]) -> None:
    """A replica starts and is ready by its golden examples, and lives by its process."""
    for pod in pods(documents):
        for container in pod["containers"]:
            probes = {
                name: container[f"{name}Probe"]["httpGet"]["path"]
                for name in ("startup", "readiness", "liveness")
            }
            assert probes == {"startup": "/ready", "readiness": "/ready", "liveness": "/health"}


def test_overlay_selects_its_own_model_and_track(
    documents: list[Manifest], model_name: str
) -> None:
    """No selector reaches beyond the pods of its model, and a canary's are apart."""
    tracks = {document["metadata"]["labels"]["model-images/track"] for document in documents}
    assert len(tracks) == 1
    wanted = {"app.kubernetes.io/name": model_name, "model-images/track": tracks.pop()}
    for document in documents:
        spec = document["spec"]
        selectors = [spec[key] for key in ("selector", "podSelector") if key in spec]
        selectors += [
            spread["labelSelector"]
            for pod in pods([document])
            for spread in pod.get("topologySpreadConstraints", [])
        ]
        labels = [selector.get("matchLabels", selector) for selector in selectors]
        assert labels == [wanted] * len(selectors)


def test_base_names_no_model(model_name: str) -> None:
    """No file that models share has the name of one in it."""
    texts = [
        line.partition("#")[0]
        for file in manifests.FILES.rglob("*.yaml")
        for line in file.read_text().splitlines()
    ]
    assert [line for line in texts if model_name in line] == []


def test_route_goes_to_the_service_of_its_model() -> None:
    """A route has the model's path, and sends it to the model's Service under its new name."""
    by_kind = {document["kind"]: document for document in rendered("iris", "production")}
    (rule,) = by_kind["HTTPRoute"]["spec"]["rules"]
    assert rule["matches"][0]["path"]["value"] == "/iris"
    assert [backend["name"] for backend in rule["backendRefs"]] == [
        by_kind["Service"]["metadata"]["name"]
    ]


def test_route_gives_the_canary_its_share() -> None:
    """With a share of 20, the canary's own Service has the weight 20 of 100."""
    text = manifests.render(image_of("iris"), "production", candidate_share=20)
    (route,) = [
        document for document in yaml.safe_load_all(text) if document["kind"] == "HTTPRoute"
    ]
    (canary,) = [
        document for document in rendered("iris", "canary") if document["kind"] == "Service"
    ]
    weights = {
        backend["name"]: backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]
    }
    assert weights == {"iris-model": 80, canary["metadata"]["name"]: 20}


def test_names_are_ones_that_kubernetes_takes() -> None:
    """A model's underscore, which no Kubernetes name may have, becomes a dash."""
    text = manifests.render(image_of("house_prices"), "staging")
    assert {document["metadata"]["name"] for document in yaml.safe_load_all(text)} == {
        "house-prices-model"
    }


def test_overlay_that_does_not_exist_is_named() -> None:
    """The error says which overlays there are."""
    with pytest.raises(UsageError, match=r"one of kserve, production, staging\. Got prod instead"):
        manifests.namespace("prod")


def test_kustomize_failure_is_told(tmp_path: Path) -> None:
    """The error repeats what kustomize printed."""
    with pytest.raises(ShipError, match=r"(?s)kubectl kustomize .* must succeed.*nowhere"):
        manifests.build({"resources": ["nowhere"]})
