"""Provenance of an image: where, from what and by which workflow it was built (SLSA v1).

GitHub attests it (actions/attest) for public repositories; for private ones on Enterprise Cloud
alone. Elsewhere cosign attests the same statement, with what signs the image. Its fields are those
that actions/attest writes: https://github.com/actions/toolkit, packages/attest/src/provenance.ts.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from ship.command import attempt
from ship.errors import StageError
from ship.files.replace import replace_file
from ship.supply_chain import cosign, publisher

BUILD_TYPE = "https://actions.github.io/buildtypes/workflow/v1"
AUDIENCE = "nobody"  # so that no other service takes the token for a login
TIMEOUT = 30  # seconds
LONGEST = 2**16  # bytes of an answer
CLAIMS = (
    "ref", "sha", "repository", "event_name", "job_workflow_ref", "workflow_ref", "repository_id",
    "repository_owner_id", "runner_environment", "run_id", "run_attempt",
)  # fmt: skip
# The repositories that GitHub attests for on every plan that can have them.
ATTESTED = ("public", "internal")


def by_github() -> bool:
    """Return whether GitHub attests what this workflow publishes.

    VISIBILITY is that of the repository. ATTESTATIONS=github says that a private one may, as on
    Enterprise Cloud: GitHub lets no workflow find that out.
    """
    visibility = os.environ.get("VISIBILITY")
    return visibility in ATTESTED or os.environ.get("ATTESTATIONS") == "github"


def attest(reference: str) -> str:
    """Attest where an image comes from; return who attests it, "" for nobody.

    "github" leaves it to a later step of the workflow, "cosign" says that it is done. What is
    attested already is left as it is. Nobody can say it outside a workflow, or where nothing signs.
    """
    if "ACTIONS_ID_TOKEN_REQUEST_URL" not in os.environ:
        return ""
    if by_github():
        return "github"
    options = cosign.signer()
    if options is None:
        return ""
    if cosign.attestation_fault(reference, cosign.PROVENANCE):
        with TemporaryDirectory() as folder:
            file = Path(folder, "provenance.json")
            replace_file(file, json.dumps(predicate()).encode())
            cosign.attest(reference, cosign.PROVENANCE, str(file), options)
    return "cosign"


def described(reference: str) -> str:
    """Return who attests where an image comes from, verified, or why nobody can be believed."""
    fault = cosign.attestation_fault(reference, cosign.PROVENANCE)
    if not fault:
        return "provenance by cosign"
    command = ["gh", "attestation", "verify", f"oci://{reference}", *publisher.for_github()]
    if not shutil.which("gh"):
        return f"provenance not verified: no gh is here to ask GitHub ({shlex.join(command)})"
    result = attempt(*command)
    if result.succeeded:
        return "provenance by GitHub"
    return f"provenance not verified: cosign says {fault}; gh says {result.reason}"


def predicate() -> dict[str, Any]:
    """Return what SLSA calls the provenance predicate, by what GitHub says of this job.

    https://slsa.dev/spec/v1.0/provenance
    """
    claims, server = job_claims(), os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = f"{server}/{claims['repository']}"
    path = claims["workflow_ref"].replace(f"{claims['repository']}/", "", 1).partition("@")[0]
    run = f"{repository}/actions/runs/{claims['run_id']}/attempts/{claims['run_attempt']}"
    described = ("event_name", "repository_id", "repository_owner_id", "runner_environment")
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "workflow": {"ref": claims["ref"], "repository": repository, "path": path}
            },
            "internalParameters": {"github": {name: claims[name] for name in described}},
            "resolvedDependencies": [
                {
                    "uri": f"git+{repository}@{claims['ref']}",
                    "digest": {"gitCommit": claims["sha"]},
                }
            ],
        },
        "runDetails": {
            "builder": {"id": f"{server}/{claims['job_workflow_ref']}"},
            "metadata": {"invocationId": run},
        },
    }


def job_claims() -> dict[str, str]:
    """Return what GitHub's identity token says of this job.

    It comes from the address that the runner was given, so its signature is not checked again.
    Raises StageError if there is none, or one that says too little.
    """
    try:
        _, payload, _ = identity_token().split(".")
        content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {name: str(content[name]) for name in CLAIMS}
    except (URLError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise StageError(
            "GitHub must say which job this is, for the provenance. Got instead: "
            f"{type(error).__name__} {error}. Grant the job id-token: write, and run it again."
        ) from error


def identity_token() -> str:
    """Return this job's identity token (OpenID Connect), as a JWT."""
    address = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    token = os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    request = Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
        return str(json.loads(answer.read(LONGEST))["value"])
