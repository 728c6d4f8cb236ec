"""Who says where an image comes from: GitHub where it can, else cosign, with what signs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ship.__main__ import verify
from ship.errors import StageError, UsageError
from ship.pipeline.publish import publish
from ship.registry.remote import Registry
from ship.settings import Settings
from ship.supply_chain import cosign, provenance, publisher
from ship.tags import Tag
from tests.support.github.identity import CLAIMS, identities
from tests.support.images.oci_archives import MakeArchive
from tests.support.images.signing import make_key

SOURCE = "https://github.com/octo/models"
OF_A_JOB = (
    "VISIBILITY", "ATTESTATIONS", "SIGNING", "COSIGN_KEY", "COSIGN_PUBLIC_KEY",
    "COSIGN_PRIVATE_KEY", "COSIGN_IDENTITY", "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)  # fmt: skip


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of models outside any job, without a key."""
    for name in OF_A_JOB:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "repository" / "model").mkdir(parents=True)
    monkeypatch.setenv("MODELS", str(tmp_path / "repository" / "model"))
    return tmp_path / "repository"


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A job of a private repository that may ask for its identity."""
    monkeypatch.setenv("VISIBILITY", "private")
    with identities(CLAIMS) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


def hold_key(models: Path, patch: pytest.MonkeyPatch) -> None:
    """Give the job the repository's secret, whose public half is committed."""
    folder = models.parent / "key"
    make_key(folder, patch)
    patch.setenv("COSIGN_PRIVATE_KEY", (folder / "cosign.key").read_text())
    (models / "cosign.pub").write_bytes((folder / "cosign.pub").read_bytes())
    for name in ("COSIGN_KEY", "COSIGN_PUBLIC_KEY"):
        patch.delenv(name)


def test_predicate_says_what_actions_attest_says(job: None) -> None:
    """Builder, source and run are those of the claims, in the fields of actions/attest 4.2.2."""
    assert provenance.predicate() == {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {
                    "ref": "refs/heads/main",
                    "repository": SOURCE,
                    "path": ".github/workflows/models.yml",
                }
            },
            "internalParameters": {
                "github": {
                    "event_name": "push",
                    "repository_id": "74",
                    "repository_owner_id": "65",
                    "runner_environment": "github-hosted",
                }
            },
            "resolvedDependencies": [
                {"uri": f"git+{SOURCE}@refs/heads/main", "digest": {"gitCommit": "1f" * 20}}
            ],
        },
        "runDetails": {
            "builder": {
                "id": "https://github.com/octo/tool/.github/workflows/publish.yml@refs/tags/v1.0.0"
            },
            "metadata": {"invocationId": f"{SOURCE}/actions/runs/7/attempts/2"},
        },
    }


def test_predicate_needs_to_know_the_job(job: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where GitHub does not say which job this is, nothing is attested, and the cure is told."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another")
    with pytest.raises(StageError, match=r"401.*Grant the job id-token: write"):
        provenance.predicate()


@pytest.mark.parametrize(
    ("visibility", "allowed", "attester"),
    [("public", "", "github"), ("internal", "", "github"), ("private", "github", "github"),
     ("private", "", ""), ("", "", "")],
)  # fmt: skip
def test_github_attests_where_every_plan_lets_it(
    job: None, monkeypatch: pytest.MonkeyPatch, visibility: str, allowed: str, attester: str
) -> None:
    """A private repository's attestations take Enterprise Cloud, which only a person can tell."""
    monkeypatch.setenv("VISIBILITY", visibility)
    monkeypatch.setenv("ATTESTATIONS", allowed)
    assert provenance.attest("localhost:1/iris@sha256:0") == attester


@pytest.mark.parametrize(
    ("visibility", "chosen", "options"),
    [("public", "", []), ("private", "keyless", []), ("private", "", None), ("internal", "", None),
     ("", "", None)],
)  # fmt: skip
def test_name_of_a_private_repository_is_in_a_public_log_by_choice_alone(
    job: None,
    monkeypatch: pytest.MonkeyPatch,
    visibility: str,
    chosen: str,
    options: list[str] | None,
) -> None:
    """Keyless is the default where everybody sees the repository anyway; else it takes a word."""
    monkeypatch.setenv("VISIBILITY", visibility)
    monkeypatch.setenv("SIGNING", chosen)
    assert cosign.signer() == options


def test_nothing_is_attested_outside_a_workflow(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop with a key signs, and says nothing of a workflow."""
    hold_key(models, monkeypatch)
    assert cosign.signer() is not None
    assert provenance.attest("localhost:1/iris@sha256:0") == ""


def test_committed_key_without_the_secret_is_refused(job: None, models: Path) -> None:
    """A repository that commits its public key gets no image that the key did not sign."""
    (models / "cosign.pub").write_text("key")
    with pytest.raises(UsageError, match="secret COSIGN_PRIVATE_KEY must be the key"):
        cosign.signer()


@pytest.mark.engine
@pytest.mark.usefixtures("job")
def test_private_repository_attests_with_its_key(
    models: Path,
    registry: str,
    make_archive: MakeArchive,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Signature and provenance are by the committed key, in no log, which `make verify` says."""
    hold_key(models, monkeypatch)
    target = Registry(f"{registry}/{models.parent.name.lower()}/iris")
    image = make_archive("one")
    publish(image, [Tag("main")], target)
    reference = f"{target}@{image.digest}"
    assert [provenance.attest(reference) for _ in range(2)] == ["cosign", "cosign"]
    monkeypatch.setenv("REGISTRY", str(target).removesuffix("/iris"))
    capsys.readouterr()
    assert verify("verify", Settings(model=("iris",))) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{target}:main: verified {image.digest}: bytes, signature, SBOM",
        f"  signed by the key {models / 'cosign.pub'}; provenance by cosign",
    ]
    (line,) = cosign.attestations(reference, cosign.PROVENANCE).splitlines()
    statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"][0]["digest"] == {"sha256": image.digest.removeprefix("sha256:")}
    assert statement["predicate"]["runDetails"] == provenance.predicate()["runDetails"]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("answer", "expected"), [(0, "provenance by GitHub"), (1, "provenance not verified: cosign")]
)
def test_provenance_that_no_key_signed_is_asked_of_github(
    models: Path, registry: str, monkeypatch: pytest.MonkeyPatch, answer: int, expected: str
) -> None:
    """Where cosign knows of none, GitHub's own tool is asked, and what it says is told."""
    gh = models.parent / "bin" / "gh"
    gh.parent.mkdir()
    expected_options = "--repo octo/models --signer-repo octo/tool"
    gh.write_text(f'#!/bin/sh\n[ "$4 $5 $6 $7" = "{expected_options}" ] && exit {answer}\nexit 9\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(gh.parent), prepend=":")
    monkeypatch.setattr(publisher, "repositories", lambda: ("octo/models", "octo/tool"))
    monkeypatch.setenv("COSIGN_IDENTITY", "nobody")
    described = provenance.described(f"{registry}/nothing@sha256:{'0' * 64}")
    assert described.startswith(expected)
