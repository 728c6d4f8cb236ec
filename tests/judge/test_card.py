"""The model card: what a person must know, of a model that was trained, accepted or released."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from contract.bundle import Acceptance, Bundle, read, read_notes
from judge.render.card import PublishedReference, below, card
from judge.render.markdown import plain

pytestmark = pytest.mark.slow  # trains models

IMAGE = f"ghcr.io/owner/made@sha256:{'0' * 64}"
VERIFY = f"cosign verify --key cosign.pub {IMAGE}"
NOTES = "# Made\n\nMade up.\n\n## Limits\n\nNone is known.\n"
HOSTILE = "a|b\n# c <img src=x onerror=alert(1)> **d** [e](javascript:x) @f `g` ~~h~~ &amp; ```"


@pytest.fixture
def made(good: Bundle) -> Bundle:
    """A bundle whose manifest a test may change."""
    return read(good.path)


class Sections(NamedTuple):
    """A card before, in and after its section on how to use the image."""

    before: str
    use: str
    after: str


def card_of(bundle: Bundle, notes: str = NOTES, published: PublishedReference | None = None) -> str:
    """Return the card of a bundle as text."""
    return card(bundle.manifest, notes, [], published).decode()


def sections(card: str) -> Sections:
    """Return the card before, in and after its section on use."""
    before, _, rest = card.partition("## Use\n")
    use, _, after = rest.partition("## Made with\n")
    return Sections(before, use, after)


def test_card_says_what_a_person_must_know(made: Bundle) -> None:
    """Data with its hash, metrics, gate, parity, the author's limits, exact versions."""
    manifest = made.manifest
    written = card_of(made)
    for words in (
        manifest.data.sha256,
        "Gate passed",
        "95 % interval",
        "docker pull REGISTRY/made:main",
        "make verify MODEL=made REGISTRY=REGISTRY",
        "| Licence of the data | not stated |",
        plain(manifest.runtime_reason),
        "### Limits",
        *manifest.metrics.holdout,
        *(f"- {name} {version}" for name, version in manifest.libraries.items()),
        *(f"`{column.name}`" for column in manifest.inputs),
    ):
        assert words in written


def test_card_of_a_bundle_is_made_of_its_files(made: Bundle) -> None:
    """A card can be made from the files of the bundle alone."""
    assert "A test." in card_of(made, read_notes(made.path))


def test_card_of_a_release_names_its_image(made: Bundle) -> None:
    """The card of a release says how to pull, verify, run and ask its image, by digest."""
    released = sections(card_of(made, published=PublishedReference(IMAGE, VERIFY)))
    assert f"digest `sha256:{'0' * 64}`" in released.use
    for command in (f"docker pull {IMAGE}", VERIFY, f"docker run --rm --publish 8080:8080 {IMAGE}"):
        assert f"\n{command}\n" in released.use
    assert "REGISTRY" not in released.use
    before = sections(card_of(made))
    assert (released.before, released.after) == (before.before, before.after)


def test_card_of_a_release_needs_a_digest(made: Bundle) -> None:
    """A release named by a tag without a digest is refused."""
    with pytest.raises(ValueError, match="must be a reference with a digest"):
        card_of(made, published=PublishedReference("ghcr.io/owner/made:main", VERIFY))


def test_card_of_a_release_keeps_a_section_of_that_name(made: Bundle) -> None:
    """A section "Use" of the author's notes is kept beside the card's own."""
    written = card_of(made, "# Made\n\n## Use\n\nWith care.\n", PublishedReference(IMAGE, VERIFY))
    assert "### Use\n\nWith care.\n" in written


def accept(made: Bundle, text: str) -> None:
    """Have the model's model.toml accept a drop, with a text wherever one may stand."""
    made.manifest.gate.accepted = [
        Acceptance(what=text, value=0.93, reason=text, who=text, replaces=text)
    ]


def test_card_of_an_accepted_model_says_why(made: Bundle) -> None:
    """The card of an accepted model has what is accepted, by whom and why, and else nothing."""
    before = card_of(made)
    accept(made, "because `it` must\n## Use")
    because = r"because \\`it\\` must ## Use"
    row = rf"\| {because} \| 0\.93 \| {because} \| {because} \| {because} \|\n"
    assert re.search(row, card_of(made))
    made.manifest.gate.accepted = []
    assert card_of(made) == before


def test_card_of_a_claim_says_so_first(made: Bundle) -> None:
    """The card of an imported model begins by saying that its metrics are claims."""
    made.manifest.evaluation = "claimed"
    assert card_of(made).startswith("**Nobody here has measured this model")


def test_card_survives_any_text(made: Bundle) -> None:
    """Claims, names and reasons of any text stay text in the card."""
    manifest = made.manifest
    manifest.description = manifest.estimator = manifest.runtime_reason = HOSTILE
    manifest.data.source = manifest.data.licence = manifest.target = HOSTILE
    manifest.inputs[0].name = HOSTILE
    manifest.inputs[0].categories = [HOSTILE, "# h"]
    manifest.classes = [HOSTILE, "b", "c"]
    manifest.libraries = {HOSTILE: HOSTILE}
    accept(made, HOSTILE)
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(card_of(made))
    titles = re.findall(r"<h\d>(.*?)</h\d>", page)
    assert titles == [
        "made", "Quality", "Inputs", "What of the data leaves the machine that trained",
        "Notes of the author", "Limits", "Use", "Made with"
    ]  # fmt: skip
    assert not re.search(r"<(img|a|em|strong|s)\b|javascript:x\"", page)
    assert page.count("<table>") == 5
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    assert {row.count("<td") + row.count("<th") for row in rows} == {2, 4, 5}


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("# Title\n\nText.\n\n## Limits\n\n- one\n", "Text.\n\n### Limits\n\n- one"),
        ("Text.\n\n# Limits", "Text.\n\n## Limits"),
        ("```sh\n# a comment\n```\n# B", "```sh\n# a comment\n```\n## B"),
        ("~~~~\n~~~\n# a\n~~~~\n#b\n# B", "~~~~\n~~~\n# a\n~~~~\n#b\n## B"),
        ("", ""),
    ],
)
def test_notes_go_below_the_headings_of_the_card(notes: str, expected: str) -> None:
    """The title of the notes gives way, their sections become subsections, and code is kept."""
    assert below(notes) == expected
