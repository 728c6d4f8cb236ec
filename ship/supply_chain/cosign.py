"""Run cosign: sign images, and read what valid signatures say about one.

In a workflow the signature is keyless: by the workflow's own identity, in a public log. Elsewhere
it is made with a key (COSIGN_KEY, COSIGN_PUBLIC_KEY) and without a log, which may be out of reach.

A signature by itself covers a digest, but not the name under which it is published. So each one
carries model, version and revision as annotations. cosign 2 signs them in the payload, under
`optional`; cosign 3 (from 3.0.3) in the in-toto statement, at its subject. `cosign verify --output
json` prints what was signed in one form for both, and nothing that is only in the registry's
manifest.
"""

from __future__ import annotations

import json
import os
import shlex
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ship import command
from ship.errors import StageError, UsageError
from ship.supply_chain import publisher
from ship.supply_chain.identity import Claim

ISSUER = "https://token.actions.githubusercontent.com"
SBOM = "spdxjson"
# What a payload says that it is: the signature of an image, by cosign 2 and by cosign 3. The latter
# takes any attestation by the signer for a signature, the provenance of a workflow's run too.
SIGNATURES = ("cosign container image signature", "https://sigstore.dev/cosign/sign/v1")


class Signatures(NamedTuple):
    """What valid signatures say about an image, and why there is none if there is none."""

    claims: frozenset[Claim]
    fault: str = ""


def signer() -> list[str] | None:
    """Return the options to sign with, None where there is neither key nor identity.

    Raises UsageError for COSIGN_KEY without COSIGN_PUBLIC_KEY.
    """
    if key := os.environ.get("COSIGN_KEY"):
        if "COSIGN_PUBLIC_KEY" not in os.environ:
            raise UsageError(
                "COSIGN_PUBLIC_KEY must go with COSIGN_KEY: a signature is read back before any "
                "tag is set. Got COSIGN_KEY alone; cosign generate-key-pair writes both."
            )
        return ["--key", key, "--tlog-upload=false", *without_log_service()]
    return [] if "ACTIONS_ID_TOKEN_REQUEST_TOKEN" in os.environ else None


def verifier() -> list[str]:
    """Return the options that say whose signature is valid."""
    return known() or keyless(publisher.options())


def known() -> list[str]:
    """Return the options for the signer that the settings name, none where they name nobody."""
    if key := os.environ.get("COSIGN_PUBLIC_KEY"):
        return ["--key", key, "--insecure-ignore-tlog"]
    if own := os.environ.get("COSIGN_IDENTITY"):
        return keyless(["--certificate-identity-regexp", own])
    return []


def keyless(identity: list[str]) -> list[str]:
    """Return the options for an identity that GitHub vouches for."""
    return [*identity, "--certificate-oidc-issuer", ISSUER]


def verify_command(reference: str, **annotations: str) -> str:
    """Return the command by which anybody verifies the signature; key files lose their path."""
    whose = known() or keyless(publisher.for_a_reader())
    options = [Path(option).name if Path(option).is_file() else option for option in whose]
    return shlex.join(["cosign", "verify", *options, *annotated(annotations), reference])


@cache
def without_log_service() -> list[str]:
    """Return the option that cosign 3 needs to sign without a log, and cosign 2 does not know."""
    options = run("sign", "--help").stdout
    return ["--use-signing-config=false"] if "--use-signing-config" in options else []


def sign(reference: str, claim: Claim, options: list[str]) -> None:
    """Sign an image, and each platform's image in it, with `claim`.

    Raises StageError if that fails.
    """
    require_success(
        "sign", "--yes", "--recursive", *annotated(claim._asdict()), *options, reference
    )


def annotated(annotations: dict[str, str]) -> list[str]:
    """Return the options of annotations."""
    return [f"--annotations={name}={value}" for name, value in annotations.items()]


def attest(reference: str, sbom: str, options: list[str]) -> None:
    """Attest an SBOM of an image; raise StageError if that fails."""
    require_success("attest", "--yes", "--type", SBOM, "--predicate", sbom, *options, reference)


def signatures(repository: str, digest: str) -> Signatures:
    """Return what valid signatures of an image say."""
    result = run("verify", "--output=json", *verifier(), f"{repository}@{digest}")
    if reason := fault(result):
        return Signatures(frozenset(), reason)
    try:
        claims = [claim_in(payload, digest) for payload in json.loads(result.stdout)]
    except (ValueError, TypeError, AttributeError):
        return Signatures(frozenset(), f"no signature of an image, but {result.stdout[:200]!r}")
    return Signatures(frozenset(claim for claim in claims if claim))


def claim_in(payload: dict[str, Any], digest: str) -> Claim | None:
    """Return what a verified payload says about `digest`; None if it says less than it must."""
    critical, annotations = payload.get("critical") or {}, payload.get("optional") or {}
    image = (critical.get("image") or {}).get("docker-manifest-digest")
    if image != digest or critical.get("type") not in SIGNATURES:
        return None
    values = [annotations.get(name) for name in Claim._fields]
    return Claim(*map(str, values)) if all(values) else None


def attestation_fault(reference: str) -> str:
    """Return why an image's SBOM attestation is not valid, "" if it is."""
    return fault(run("verify-attestation", "--type", SBOM, *verifier(), reference))


def is_attested(reference: str) -> bool:
    """Return whether an image has an attestation of an SBOM, by anybody.

    To cosign 3 a signature is an attestation too, of another type.
    """
    return run("download", "attestation", "--predicate-type", SBOM, reference).succeeded


def fault(result: command.Result) -> str:
    """Return cosign's reason for a failure, "" if there was none."""
    if result.succeeded:
        return ""
    errors = [line for line in result.stderr.splitlines() if line.lower().startswith("error: ")]
    return (errors or result.stderr.strip().splitlines() or ["cosign gave no reason"])[0]


def require_success(*arguments: str) -> None:
    """Run cosign; raise StageError if it fails."""
    if reason := fault(run(*arguments)):
        raise StageError(f"cosign {arguments[0]} {arguments[-1]} failed: {reason}")


def run(*arguments: str) -> command.Result:
    """Run cosign and return its result."""
    return command.attempt("cosign", *arguments)
