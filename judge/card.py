"""What a bundle's model card cannot say: who accepted the model, and which image holds it."""

from __future__ import annotations

import re

from contract.bundle import Bundle
from contract.markdown import quoted

CARD = "card.md"
ACCEPTED = "Accepted although the gate refuses it, because: "
NOT_MEASURED = (
    "Nobody here has measured this model: its data was not at hand, so every figure is a claim of "
    "whoever trained it."
)
VERDICT = re.compile(r"^Gate (passed|FAILED): .*$", re.MULTILINE)
USE = re.compile(r"^## Use\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


def accepted(card: str, reason: str | None) -> str:
    """Return the card with the reason of an override below its verdict, or without one."""
    kept = re.sub(rf"\n\n{re.escape(ACCEPTED)}.*", "", card)
    note = f"\n\n{ACCEPTED}{quoted(reason)}" if reason else ""
    return VERDICT.sub(lambda verdict: verdict[0] + note, kept, count=1)


def claimed(card: str) -> str:
    """Return the card below a line that says that its figures are somebody's claims."""
    return f"**{NOT_MEASURED}**\n\n---\n\n{card}"


def card_for_release(bundle: Bundle, image: str, verify: str) -> str:
    """Return the card of a published model: how to pull, verify and ask exactly this image.

    `image` is its reference with the digest; `verify` is the command that verifies its signature.
    """
    card = (bundle.path / CARD).read_text(encoding="utf-8")
    return USE.sub(lambda _: use(image, verify) + "\n\n", card, count=1)


def use(image: str, verify: str) -> str:
    name, _, digest = image.partition("@")
    if not digest.startswith("sha256:"):
        raise ValueError(f"image must be a reference with a digest. Got {image} instead.")
    return (
        f"## Use\n\nThis card is of `{name}` with the digest `{digest}`.\n\n```sh\n"
        f"docker pull {image}\n"
        f"{verify}\n"
        f"docker run --rm {image} check   # answers its golden examples as recorded\n"
        f"docker run --rm --publish 8080:8080 {image}\n"
        f"docker run --rm --interactive {image} predict < rows.csv\n```"
    )
