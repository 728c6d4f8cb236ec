"""The model card: what the manifest and the author's notes say, for a person."""

from __future__ import annotations

from collections.abc import Sequence

from model.bundle import Input, Manifest
from train.gate import sentence


def card(manifest: Manifest, notes: str) -> str:
    """Return the card as Markdown; `notes` is the model folder's README.md."""
    parts = [
        f"# {manifest.name}",
        manifest.description + ".",
        facts(manifest),
        "## Quality",
        metrics(manifest),
        gate(manifest),
        "## Inputs",
        inputs(manifest.inputs),
        "## Notes of the author",
        indent_headings(notes),
        "## Made with",
        "\n".join(f"- {name} {version}" for name, version in manifest.libraries.items()),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def facts(manifest: Manifest) -> str:
    data, split = manifest.data, manifest.split
    stratified = "stratified, " if split.stratified else ""
    rows = {
        "Task": f"{manifest.task} of `{manifest.target}`",
        "Version": f"{manifest.version} (revision {manifest.revision})",
        "Estimator": f"`{manifest.estimator}`",
        "Data": f"{data.source}, {data.rows} rows, sha256 `{data.sha256}`",
        "Split": f"{data.train_rows} rows trained on, {data.holdout_rows} held out "
        f"({stratified}seed {split.seed})",
        "Runtime": f"{manifest.runtime}. {manifest.runtime_reason}.",
    }
    if manifest.classes:
        rows["Classes"] = ", ".join(f"`{label}`" for label in manifest.classes)
    return table(("", ""), list(rows.items()))


def metrics(manifest: Manifest) -> str:
    folds = manifest.metrics.cross_validation
    rows = [
        (name, f"{value:.4f}", f"{folds[name].mean:.4f} ± {folds[name].std:.4f}")
        for name, value in manifest.metrics.holdout.items()
    ]
    return table(("Metric", "Holdout", "Cross-validation"), rows)


def gate(manifest: Manifest) -> str:
    verdict = "passed" if manifest.gate.passed else "FAILED"
    return f"Gate {verdict}: " + "; ".join(map(sentence, manifest.gate.checks)) + "."


def inputs(described: list[Input]) -> str:
    rows = [
        (f"`{each.name}`", each.kind, values(each), "yes" if each.missing else "no")
        for each in described
    ]
    return table(("Input", "Kind", "Seen in training", "May be missing"), rows)


def values(each: Input) -> str:
    if each.categories is not None:
        return ", ".join(each.categories)
    if each.minimum is None:
        return "no value"
    return f"{each.minimum:g} to {each.maximum:g}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(escape, line)) + " |" for line in lines)


def escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def indent_headings(notes: str) -> str:
    """Drop the title of the notes and put their headings below the card's own."""
    lines = notes.strip().splitlines()
    body = lines[1:] if lines and lines[0].startswith("# ") else lines
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in body)
