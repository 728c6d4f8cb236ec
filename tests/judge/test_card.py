"""The model card after training: an accepted model says so, a published one names its image."""

from __future__ import annotations

import pytest

from contract.bundle import Bundle
from judge.card import accepted, card_for_release

IMAGE = f"ghcr.io/owner/made@sha256:{'0' * 64}"
VERIFY = f"cosign verify --key cosign.pub {IMAGE}"


def test_card_of_a_release_names_its_image(good: Bundle) -> None:
    """How to pull, verify, run and ask exactly this image, in place of any image of that name."""
    card = card_for_release(good, IMAGE, VERIFY)
    assert f"digest `sha256:{'0' * 64}`" in card
    for command in (f"docker pull {IMAGE}", VERIFY, f"docker run --rm --publish 8080:8080 {IMAGE}"):
        assert f"\n{command}\n" in card
    assert "REGISTRY/" not in card
    before = (good.path / "card.md").read_text()
    kept = before.partition("## Use")[0], before.partition("## Made with")[2]
    assert card.startswith(kept[0])
    assert card.endswith(kept[1])


def test_card_of_a_release_needs_a_digest(good: Bundle) -> None:
    """A tag may come to mean another image."""
    with pytest.raises(ValueError, match="must be a reference with a digest"):
        card_for_release(good, "ghcr.io/owner/made:main", VERIFY)


def test_card_of_an_accepted_model_says_why(good: Bundle) -> None:
    """The reason stands below the verdict, and goes with the override."""
    card = (good.path / "card.md").read_text()
    once = accepted(card, "because `it` must\n## Use")
    assert (
        "passed.\n\nAccepted although the gate refuses it, because: `` because `it` must ## Use"
        in once
    )
    assert accepted(accepted(once, "another"), None) == card
