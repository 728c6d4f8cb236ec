"""The report: one self-contained page of figures and plots, in light and dark."""

from __future__ import annotations

from html import escape

from contract import card, svg
from contract.bundle import Check, Manifest
from contract.evaluation.evaluation import Evaluation
from contract.html_page import badge, figure, page, section, table


def report(manifest: Manifest, found: Evaluation) -> str:
    """Return the page as HTML that needs nothing else."""
    name = escape(manifest.name)
    verdict = "passed" if manifest.gate.passed else "failed"
    badges = badge(f"gate {verdict}", verdict) + badge(manifest.runtime)
    body = [
        f"<header><h1>{name}</h1>{badges}</header>",
        f'<p class="lead">{escape(manifest.description)}.</p>',
        tiles(manifest),
        section("Holdout", f'<div class="plots">{figures(manifest, found)}</div>'),
        section("Metrics", metrics(manifest)),
        section("Inputs", inputs(manifest)),
        section("Provenance", provenance(manifest)),
    ]
    return page(f"{name}: evaluation", body)


def tiles(manifest: Manifest) -> str:
    """Show each threshold of the gate as a large number."""
    return f'<div class="tiles">{"".join(map(tile, manifest.gate.checks))}</div>'


def tile(check: Check) -> str:
    verdict = "passed" if check.passed else "failed"
    return (
        f'<div class="tile {verdict}"><b>{check.measured}</b> {check.metric}'
        f"<small>{check.rule}: {verdict}</small></div>"
    )


def figures(manifest: Manifest, found: Evaluation) -> str:
    if manifest.classes is None:
        return regression_figures(found)
    matrix = svg.confusion(found.truth, found.predictions, manifest.classes)
    result = figure(matrix, "True class by row, predicted class by column; counts of holdout rows.")
    if found.probabilities:
        groups: dict[str, list[float]] = {"right": [], "wrong": []}
        answers = zip(found.truth, found.predictions, found.probabilities, strict=True)
        for truth, prediction, probabilities in answers:
            groups["right" if truth == prediction else "wrong"].append(max(probabilities))
        low = 1 / len(manifest.classes)
        drawn = svg.histogram(groups, "probability of the predicted class", low, 1.0)
        result += figure(
            drawn,
            'How sure the model was: <i class="right"></i> right, <i class="wrong"></i> wrong.',
        )
    return result


def regression_figures(found: Evaluation) -> str:
    truth, predictions = [float(v) for v in found.truth], [float(v) for v in found.predictions]
    errors = [guess - actual for actual, guess in zip(truth, predictions, strict=True)]
    bound = max(map(abs, errors)) or 1.0
    residuals = svg.histogram({"right": errors}, "predicted minus true", -bound, bound)
    return figure(
        svg.scatter(truth, predictions), "A perfect model's points lie on the line."
    ) + figure(residuals, "Errors on the holdout rows.")


def metrics(manifest: Manifest) -> str:
    folds = manifest.metrics.cross_validation
    rows = [
        (
            name,
            f"{value:.4f}",
            f"{folds[name].mean:.4f} ± {folds[name].std:.4f}" if name in folds else "none",
        )
        for name, value in manifest.metrics.holdout.items()
    ]
    return table(("metric", "holdout", "cross-validation, mean ± std"), rows, numbers=True)


def inputs(manifest: Manifest) -> str:
    rows = [
        (each.name, each.kind, card.values(each), "yes" if each.missing else "no")
        for each in manifest.inputs
    ]
    return table(("input", "kind", "seen in training", "may be missing"), rows)


def provenance(manifest: Manifest) -> str:
    data = manifest.data
    rows = [
        ("version", f"{manifest.version} (revision {manifest.revision})"),
        ("estimator", manifest.estimator),
        ("data", f"{data.source}: {data.rows} rows, {data.holdout_rows} held out"),
        ("sha256", data.sha256),
        ("runtime", f"{manifest.runtime}. {manifest.runtime_reason}."),
        ("made with", ", ".join(f"{name} {v}" for name, v in manifest.libraries.items())),
    ]
    return table((), rows)
