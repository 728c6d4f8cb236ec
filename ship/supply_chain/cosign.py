"""Run cosign: sign images, and read what valid signatures say about one.

In a workflow of a public repository the signature is keyless: by the workflow's own identity, in a
public log. The certificate's log and the signature's both hold the repository's name, so that of a
private repository is keyless with SIGNING=keyless alone. Everywhere a key (COSIGN_KEY, or
COSIGN_PRIVATE_KEY, with `cosign.pub` beside the folder of the models) signs without any log.

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

from contract import models
from ship import command
from ship.errors import StageError, UsageError
from ship.supply_chain import publisher
from ship.supply_chain.identity import Claim

ISSUER = "https://token.actions.githubusercontent.com"
SBOM = "spdxjson"  # cosign's word for this type of attestation
PROVENANCE = "https://slsa.dev/provenance/v1"  # by cosign's own word 2.5 writes a field wrongly
PUBLIC_KEY = "cosign.pub"  # as `cosign generate-key-pair` calls it
HELD = "COSIGN_PRIVATE_KEY"  # the variable, and the secret, that holds a key itself
# What a payload says that it is: the signature of an image, by cosign 2 and by cosign 3. The latter
# takes any attestation by the signer for a signature, the provenance of a workflow's run too.
SIGNATURES = ("cosign container image signature", "https://sigstore.dev/cosign/sign/v1")


class Signatures(NamedTuple):
    """What valid signatures say about an image, and why there is none if there is none."""

    claims: frozenset[Claim]
    fault: str = ""


def signer() -> list[str] | None:
    """Return the options to sign with, None where there is neither key nor identity.

    Raises UsageError for one key of a pair without the other.
    """
    key = os.environ.get("COSIGN_KEY") or (f"env://{HELD}" if os.environ.get(HELD) else "")
    if key:
        if public_key() is None:
            raise UsageError(
                f"COSIGN_PUBLIC_KEY, or {PUBLIC_KEY} beside the folder of the models, must go with "
                "the key that signs: a signature is read back before any tag is set. Got the "
                "private key alone; cosign generate-key-pair writes both."
            )
        return ["--key", key, "--tlog-upload=false", *without_log_service()]
    if "ACTIONS_ID_TOKEN_REQUEST_TOKEN" not in os.environ:
        return None
    if committed_key().is_file():
        raise UsageError(
            f"The secret {HELD} must be the key whose public half is {PUBLIC_KEY}. Got none; set "
            f"it, or remove {PUBLIC_KEY}."
        )
    return [] if is_keyless() else None


def is_keyless() -> bool:
    """Return whether a workflow may sign by its identity, which a public log keeps for ever."""
    return os.environ.get("VISIBILITY") == "public" or os.environ.get("SIGNING") == "keyless"


def public_key() -> str | None:
    """Return the key whose signatures count, None where the workflow's own do.

    It is COSIGN_PUBLIC_KEY, or the file that lies beside the folder of the models.
    """
    if key := os.environ.get("COSIGN_PUBLIC_KEY"):
        return key
    committed = committed_key()
    return str(committed) if committed.is_file() else None


def committed_key() -> Path:
    """Return where a repository of models keeps its public key."""
    return models.root().parent / PUBLIC_KEY


def verifier(released: str = "") -> list[str]:
    """Return the options that say whose signature is valid, of an image or of its release."""
    return known() or keyless(publisher.options(released))


def known() -> list[str]:
    """Return the options for the signer that the settings name, none where they name nobody."""
    if key := public_key():
        return ["--key", key, "--insecure-ignore-tlog"]
    if own := os.environ.get("COSIGN_IDENTITY"):
        return keyless(["--certificate-identity-regexp", own])
    return []


def keyless(identity: list[str]) -> list[str]:
    """Return the options for an identity that GitHub vouches for."""
    return [*identity, "--certificate-oidc-issuer", ISSUER]


def trusted() -> str:
    """Return whose signature counts, for a person."""
    key = public_key()
    return f"the key {key}" if key else "the publishing workflow's identity, by the public log"


def verify_command(reference: str, released: str = "", **annotations: str) -> str:
    """Return the command by which anybody verifies the signature; key files lose their path."""
    whose = known() or keyless(publisher.for_a_reader(released))
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


def attest(reference: str, kind: str, predicate: str, options: list[str]) -> None:
    """Attest what a file says of an image, SBOM or PROVENANCE; raise StageError if that fails."""
    require_success(
        "attest", "--yes", "--type", kind, "--predicate", predicate, *options, reference
    )


def signatures(repository: str, digest: str, released: str = "") -> Signatures:
    """Return what valid signatures of an image say, or those of its release by certain git tags."""
    result = run("verify", "--output=json", *verifier(released), f"{repository}@{digest}")
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


def attestation_fault(reference: str, kind: str) -> str:
    """Return why an image's attestation of a kind is not valid, "" if it is."""
    return fault(run("verify-attestation", "--type", kind, *verifier(), reference))


def is_attested(reference: str, kind: str) -> bool:
    """Return whether an image has an attestation of a kind, by anybody.

    To cosign 3 a signature is an attestation too, of another type.
    """
    return bool(attestations(reference, kind))


def attestations(reference: str, kind: str) -> bytes:
    """Return the attestations of a kind as lines of JSON, unverified; none where there are none."""
    result = run("download", "attestation", "--predicate-type", kind, reference)
    return result.content if result.succeeded else b""


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
