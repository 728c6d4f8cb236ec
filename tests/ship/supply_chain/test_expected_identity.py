"""What a tag promises, and which signatures and labels keep it."""

from __future__ import annotations

import re

import pytest

from ship.errors import StageError
from ship.supply_chain import cosign
from ship.supply_chain.expected_identity import Wanted, fits, promised, promises
from ship.supply_chain.identity import Claim, claim_of
from tests.support.checkouts.checkout import Checkout
from tests.support.images.oci_archives import labelled

OWN = Claim("iris", "2026.11.01-abcdef0", "0" * 40)
DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("tag", "version", "expected"),
    [
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "1.2.4", False),
        ("1.2.3", OWN.version, False),
        ("1.2.3-rc.1", "1.2.3-rc.1", True),
        ("1.2", "1.2.9", True),
        ("1.2", "1.20.0", False),
        ("1.2", "1.2.0-rc.1", False),
        ("1", "1.9.0", True),
        ("1", "10.0.0", False),
        ("latest", "0.1.0", True),
        ("latest", "0.1.0-rc.1", False),
        ("latest", OWN.version, False),
        ("main", OWN.version, True),
        ("branch-1.2", OWN.version, True),
        ("sha-0123456789ab", OWN.version, True),
        (DIGEST, OWN.version, True),
    ],
)
def test_tag_promises_what_its_form_says(tag: str, version: str, expected: bool) -> None:  # noqa: FBT001
    """A version promises itself, a series one of its releases, another tag only the model."""
    assert promised(tag, version) is expected


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (OWN._replace(model="diabetes"), "must be signed as iris of revision 000000000000"),
        (OWN._replace(revision="1" * 40), "must be signed as iris of revision 000000000000"),
        (
            OWN._replace(version="1.2.4"),
            "must be signed as version 1.2.3. It is signed as 1.2.4",
        ),
    ],
)
def test_signature_of_something_else_is_told(claim: Claim, reason: str) -> None:
    """One signature must have model, revision and version; the error says what it has."""
    wanted = Wanted("iris", "1.2.3", "registry/iris")
    wanted.refuse_unsigned(OWN, [OWN, OWN._replace(version="1.2.3")])
    with pytest.raises(StageError, match=re.escape(f"registry/iris:1.2.3 {reason}")):
        wanted.refuse_unsigned(OWN, [claim])


def test_commit_of_a_tag_is_held_against_the_revision(checkout: Checkout) -> None:
    """An image fits `sha-…` if its inputs did not change between revision and commit."""
    first = checkout.commit(model__iris__estimator_dot_py="1")
    second = checkout.commit(README_dot_md="other words")
    third = checkout.commit(serve__app_dot_py="2")
    claim = OWN._replace(revision=first)
    fitting = {
        sha: fits(sha[:12], claim, checkout.models, checkout.root) for sha in (first, second, third)
    }
    assert fitting == {first: True, second: True, third: False}


def test_commit_that_is_not_known_here_is_not_judged(checkout: Checkout) -> None:
    """A commit or revision that this checkout does not have, or a dirty one, is not checked."""
    known = checkout.commit(model__iris__estimator_dot_py="1")
    assert fits("0123456789ab", OWN._replace(revision=known), checkout.models, checkout.root)
    assert fits(known[:12], OWN._replace(revision="f" * 40), checkout.models, checkout.root)
    assert fits(known[:12], OWN._replace(revision=f"{known}-dirty"), checkout.models, checkout.root)


@pytest.mark.parametrize("value", ["", "1,model=diabetes", "a=b", "with space"])
def test_label_that_could_be_read_otherwise_is_refused(value: str) -> None:
    """Cosign splits annotations at commas and equals signs, so no label may bring its own."""
    with pytest.raises(
        StageError, match=r"must have the label org\.opencontainers\.image\.version"
    ):
        claim_of(labelled("iris", value), "image")


def payload(kind: str, digest: str = DIGEST, **claims: str) -> dict[str, object]:
    """Return what cosign prints of a signature or attestation that it verified."""
    critical = {"image": {"docker-manifest-digest": digest}, "type": kind}
    return {"critical": critical, "optional": claims or None}


@pytest.mark.parametrize("kind", cosign.SIGNATURES)
def test_signature_says_what_was_signed(kind: str) -> None:
    """Claims are read from both formats of cosign, and only if all three are there."""
    claims = OWN._asdict()
    assert cosign.claim_in(payload(kind, **claims), DIGEST) == OWN
    assert cosign.claim_in(payload(kind, f"sha256:{'2' * 64}", **claims), DIGEST) is None
    assert cosign.claim_in(payload(kind, model="iris", version="1"), DIGEST) is None
    assert cosign.claim_in(payload(kind), DIGEST) is None


def test_attestation_is_no_signature() -> None:
    """An attestation, which cosign 3 lists among signatures, does not count as one."""
    attestation = payload("https://slsa.dev/provenance/v1", **OWN._asdict())
    assert cosign.claim_in(attestation, DIGEST) is None


def test_promises_of_a_release_are_told_to_whoever_verifies_by_hand() -> None:
    """The command in a release's card checks the model, and the version where the tag is one."""
    assert promises("iris", f"host:5000/iris:1.2.3@{DIGEST}") == {
        "model": "iris",
        "version": "1.2.3",
    }
    assert promises("iris", f"host:5000/iris:main@{DIGEST}") == {"model": "iris"}
