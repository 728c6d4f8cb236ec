"""The model card: what the manifest and the author's notes say, for a person."""

from __future__ import annotations

from collections.abc import Sequence

from contract.bundle import Input, Manifest
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import score
from contract.evaluation.segments import FEW, part, segments
from contract.spec.thresholds import sentence


def card(manifest: Manifest, notes: str, found: Evaluation) -> str:
    """Return the card as Markdown; `notes` is the model folder's README.md."""
    parts = [
        f"# {manifest.name}",
        manifest.description + ".",
        facts(manifest),
        "## Quality",
        metrics(manifest),
        gate(manifest),
        *segments_of(found),
        "## Inputs",
        inputs(manifest.inputs),
        "## Notes of the author",
        indent_headings(notes),
        "## Use",
        usage(manifest),
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
        "Licence of the data": data.licence or "not stated",
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
        (
            name,
            f"{value:.4f}",
            "{:.4f} to {:.4f}".format(*manifest.metrics.intervals[name]),
            f"{folds[name].mean:.4f} ± {folds[name].std:.4f}" if name in folds else "none",
        )
        for name, value in manifest.metrics.holdout.items()
    ]
    return table(("Metric", "Holdout", "95 % interval", "Cross-validation"), rows)


def gate(manifest: Manifest) -> str:
    verdict = "passed" if manifest.gate.passed else "FAILED"
    return f"Gate {verdict}: " + "; ".join(map(sentence, manifest.gate.checks)) + "."


def segments_of(found: Evaluation) -> list[str]:
    """Say how well the model does for each category of the inputs, and of the kept columns."""
    rows = [
        (f"{column} is {name}", str(len(places)), f"{value:.4f}")
        for column in columns(found)
        for name, places in segments(found.column(column)).items()
        for value in [first_score(part(found, places))]
    ]
    metric = "mae" if isinstance(found.truth[0], float) else "accuracy"
    return ["### Segments", table(("Where", "Rows", metric), rows)] if rows else []


def columns(found: Evaluation) -> list[str]:
    categorical = [
        name
        for name in found.features[0]
        if all(isinstance(value, str | None) for value in found.column(name))
        and len(set(found.column(name))) <= FEW
    ]
    return [*categorical, *found.others]


def first_score(found: Evaluation) -> float:
    if isinstance(found.truth[0], float):
        return score(found, None)["mae"]
    found.probabilities = None  # one class alone has no ROC curve
    return score(found, sorted(set(found.truth), key=str))["accuracy"]


def usage(manifest: Manifest) -> str:
    """Say how to get the image, check it and ask it; an image can't hold its own digest."""
    image = f"REGISTRY/{manifest.name}"
    return (
        "`REGISTRY` is where the image is published, such as `ghcr.io/owner`; `make models` lists "
        "its tags and digests.\n\n```sh\n"
        f"docker pull {image}:main\n"
        f"docker image inspect --format '{{{{index .RepoDigests 0}}}}' {image}:main\n"
        f"make verify MODEL={manifest.name} REGISTRY=REGISTRY   # its signature, from a checkout\n"
        f"docker run --rm {image}:main check   # answers its golden examples as recorded\n"
        f"docker run --rm --publish 8080:8080 {image}:main\n"
        f"docker run --rm --interactive {image}:main predict < rows.csv\n```"
    )


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
