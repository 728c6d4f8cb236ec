"""The model card (Mitchell et al. 2019): manifest, holdout and the author's notes, for a person.

It is rendered again where more is known: once the gate has judged, and for a release.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from contract.bundle import Input, Manifest
from contract.inputs import KINDS
from contract.spec.thresholds import sentence
from judge.render.environment import render
from judge.render.markdown import Markdown, block
from judge.render.table import Cell, Style, Table
from judge.report import NOT_MEASURED, Segment

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r" {0,3}#{1,6}(?=[ \t]|$)")


class PublishedReference(NamedTuple):
    """A published image: its reference with the digest, and the commands that verify it, if any."""

    image: str
    verify: str


def card(
    manifest: Manifest,
    notes: str,
    scored: Sequence[Segment],
    published: PublishedReference | None = None,
) -> bytes:
    """Return the card as Markdown; `notes` is the README.md of the model's folder.

    `scored` are the segments of the report. With `published` it says how to pull, verify and ask
    exactly that image. Raises ValueError where its reference has no digest, since a tag may come to
    mean another image.
    """
    checks = manifest.gate.checks
    return render(
        "card.md.j2",
        manifest=manifest,
        facts=Table(("", ""), facts(manifest)),
        metrics=metrics(manifest),
        verdict="passed" if all(check.passed for check in checks) else "FAILED",
        checks="; ".join(map(sentence, checks)),
        accepted=accepted(manifest),
        unmeasured=NOT_MEASURED if manifest.evaluation == "claimed" else "",
        segments=by_segment(scored),
        leaves=Table(("What", "Holds of the data"), leaves(manifest)),
        inputs=inputs(manifest.inputs),
        notes=below(notes),
        published=published,
        digest=digest(published.image) if published else "",
        commands=block(commands(manifest, published), "sh"),
    )


def facts(manifest: Manifest) -> list[tuple[str | Cell, ...]]:
    """Return the rows of the table of facts."""
    data, split = manifest.data, manifest.split
    held_out = f"{data.holdout_rows} held out"
    rows: list[tuple[str | Cell, ...]] = [
        ("Task", f"{manifest.task} of {', '.join(manifest.targets)}"),
        ("Version", f"{manifest.version} (revision {manifest.revision})"),
        ("Estimator", Cell(manifest.estimator, Style.CODE)),
        ("Data", f"{data.source}, {data.rows} rows, sha256 {data.sha256}"),
        ("Licence of the data", data.licence or "not stated"),
        ("Split", f"{data.train_rows} rows trained on, {held_out} ({split.rule})"),
        ("Runtime", f"{manifest.runtime}. {manifest.runtime_reason}."),
    ]
    if manifest.sample_weight:
        rows.append(("Weights of the rows", f"{manifest.sample_weight}, in fit and metrics"))
    if manifest.anomaly is not None:
        anomaly = f"{manifest.target} is {manifest.anomaly}; fitted without {manifest.target}"
        rows.append(("Anomaly", anomaly))
    elif manifest.classes:
        what = "Classes" if len(manifest.targets) == 1 else "Labels"
        rows.append((what, ", ".join(map(str, manifest.classes))))
    return rows


def metrics(manifest: Manifest) -> Table:
    """Return the metrics of the holdout with their intervals, and those of cross-validation."""
    folds, intervals = manifest.metrics.cross_validation, manifest.metrics.intervals
    rows = [
        (
            name,
            f"{value:.4f}",
            "{:.4f} to {:.4f}".format(*intervals[name]) if name in intervals else "",
            f"{folds[name].mean:.4f} ± {folds[name].std:.4f}" if name in folds else "",
        )
        for name, value in manifest.metrics.holdout.items()
    ]
    return Table(("Metric", "Holdout", "95 % interval", "Cross-validation"), rows)


def accepted(manifest: Manifest) -> Table | None:
    """Return what model.toml accepted of what the gate compares; None where that is nothing."""
    rows = [
        (
            line.what,
            "" if line.value is None else f"{line.value:g}",
            line.replaces,
            line.who,
            line.reason,
        )
        for line in manifest.gate.accepted
    ]
    return Table(("Accepted", "down to", "in place of", "by", "because"), rows) if rows else None


def by_segment(scored: Sequence[Segment]) -> Table | None:
    """Return the model's scores for each segment; None where there are no segments."""
    rows = [
        (
            f"{segment.where.column} is {segment.where.value}",
            str(segment.rows),
            score.metric,
            f"{score.whole:.4f}",
        )
        for segment in scored
        for score in segment.scores
    ]
    return Table(("Where", "Rows", "Metric", "Holdout"), rows) if rows else None


def leaves(manifest: Manifest) -> list[tuple[str | Cell, ...]]:
    """Return what of the data leaves the machine that trained, and where it goes."""
    privacy, held = manifest.privacy, manifest.data.holdout_rows
    examples = {
        "synthetic": "Golden examples are synthetic: no row of the data.",
        "real": "Golden examples are rows of the holdout.",
    }[privacy.examples]
    weights = ", the weights" if manifest.sample_weight else ""
    kept = {
        "registry": f"The truth{weights} and the answers of the {held} held-out rows, and counts "
        "of their values in bins. No features: a row is found again by who has the very data.",
        "none": "Nothing: it is not published.",
    }[privacy.evaluation]
    shown = {
        "aggregates": "Counts, metrics and curves. No row.",
        "rows": "Rows whose prediction changed, with their truth and features.",
    }[privacy.report]
    learned = "What the model has learned, its inputs' names, ranges and categories, and metrics."
    return [
        ("The image", f"{learned} {examples}"),
        (Cell(f"{manifest.name}-evaluation", Style.CODE), kept),
        ("Reports, this card and logs", shown),
    ]


def inputs(described: Sequence[Input]) -> Table:
    """Return the inputs, each with what training saw of it."""
    rows = [
        (
            Cell(column.name, Style.CODE),
            column.kind,
            KINDS[column.kind].seen(column),
            "yes" if column.missing else "no",
        )
        for column in described
    ]
    return Table(("Input", "Kind", "Seen in training", "May be missing"), rows)


def below(notes: str) -> Markdown:
    """Return the notes without their title, headings below the card's own, and code unchanged."""
    lines, fence = [], ""
    for number, line in enumerate(notes.strip().splitlines()):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
        elif not fence and HEADING.match(line):
            if number or not line.startswith("# "):
                lines.append(f"#{line.lstrip()}")
            continue
        lines.append(line)
    return Markdown("\n".join(lines).strip())


def digest(image: str) -> str:
    """Return the digest of a reference; raise ValueError if it has none."""
    _, _, digest = image.partition("@")
    if not digest.startswith("sha256:"):
        raise ValueError(f"image must be a reference with a digest. Got {image} instead.")
    return digest


def commands(manifest: Manifest, published: PublishedReference | None) -> str:
    """Return how to get, check and ask the image; an image cannot hold its own digest."""
    image = published.image if published else f"REGISTRY/{manifest.name}:main"
    show = f"docker image inspect --format '{{{{index .RepoDigests 0}}}}' {image}"
    verify = (
        f"make verify MODEL={manifest.name} REGISTRY=REGISTRY   # its signature, from a checkout"
    )
    return "\n".join(
        (
            f"docker pull {image}",
            *(filter(None, [published.verify]) if published else [show, verify]),
            f"docker run --rm {image} check   # answers its golden examples as recorded",
            f"docker run --rm --publish 8080:8080 {image}",
            f"docker run --rm --interactive {image} predict < rows.csv",
        )
    )
