"""The gate stage: from what is published to a verdict, a report and a manifest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from contract import models
from contract.bundle import Acceptance, Bundle, read
from contract.spec import acceptances, model_toml
from judge.render.sentences import headline
from judge.report import Report
from ship.build import bundle_intake
from ship.build.workspace import Workspace
from ship.compare import gate
from ship.compare.accept import accept as write
from ship.compare.gate import judge_bundle
from ship.compare.gate_report import enforce
from ship.compare.published_model import fetch, newest
from ship.errors import StageError, UsageError
from ship.pipeline.publish import publish
from ship.registry import image_files
from ship.registry.destination import Destination, destination
from ship.registry.image_index import join
from ship.registry.labels import MODEL
from ship.registry.layout import Layout
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.judge.report_schema import SCHEMA, schema
from tests.support.images.bundle_images import image_of, publish_to
from tests.support.images.oci_archives import oci_archive
from tests.support.models.shop import STUMP, Shop, flowers
from tests.support.models.train_here import train_here

pytestmark = pytest.mark.slow  # trains models


@pytest.fixture
def build(tmp_path: Path, shop: Shop, good: Bundle, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The build of a model whose folder is that of the good one."""
    monkeypatch.delenv("REGISTRY", raising=False)
    shutil.copytree(good.path.parent / "made", tmp_path / "models" / "made")
    monkeypatch.setenv("MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("ship.git.TOOL", tmp_path)
    return Workspace("made", "python", tmp_path / "dist")


def take(build: Workspace, bundle: Bundle) -> None:
    """Let the build have trained this bundle."""
    bundle_intake.take(bundle.path, build.bundle)


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """A fresh destination of each kind."""
    if request.param == "layout":
        return Layout(tmp_path / "layout")
    return Registry(f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}/made")


def test_published_bundle_is_read_from_the_image(
    target: Destination, good: Bundle, tmp_path: Path
) -> None:
    """Every file of the bundle comes out of the layers, verified, and nothing is run."""
    archive = publish_to(target, good, tmp_path, "main")
    published = fetch(target, "made", "main", tmp_path / "published")
    assert published.digest == archive.digest
    assert published.stored.compressed_size == archive.compressed_size
    assert published.bundle.manifest == good.manifest
    assert published.bundle.path != good.path


def test_published_bundle_is_read_from_an_index(
    target: Destination, good: Bundle, tmp_path: Path
) -> None:
    """Of an image for several platforms, the one of this machine is what is read and run."""
    files = {f"bundle/{file.name}": file.read_bytes() for file in good.path.iterdir()}
    archives = []
    for architecture in ("amd64", "arm64"):
        (tmp_path / architecture).mkdir()
        path = tmp_path / architecture / "image.tar"
        archives.append(oci_archive(path, files, {}, architecture))
    index = join(archives)
    publish(index, [Tag("main")], target)
    published = fetch(target, "made", "main", tmp_path / "published")
    assert published.digest == index.digest
    assert published.bundle.manifest == good.manifest
    assert published.stored.architecture == image_files.HERE


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        ([], None),
        (["sha-0123456789ab", "topic"], None),
        (["1.9.0", "1.10.0", "2.0.0-rc.1", "1", "latest"], "1.10.0"),
        (["1.9.0", "main"], "main"),
    ],
)
def test_published_model_is_main_or_the_newest_release(
    tags: list[str], chosen: str | None, good: Bundle, tmp_path: Path
) -> None:
    """Versions compare as versions; a pre-release or a branch is nothing to measure against."""
    target = Layout(tmp_path / "layout")
    if tags:
        publish_to(target, good, tmp_path, *tags)
    assert newest(target, "made") == chosen


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def usual(
    request: pytest.FixtureRequest,
    build: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Destination:
    """Where the build would be published: in its results, or below REGISTRY."""
    if request.param == "registry":
        owner = f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}"
        monkeypatch.setenv("REGISTRY", owner)
    return destination("made", build.dist)


def test_gate_stage_judges_against_what_is_published(
    build: Workspace, good: Bundle, bad: Bundle, usual: Destination, tmp_path: Path
) -> None:
    """A worse model than the published one is refused with the numbers; reports are left."""
    publish_to(usual, good, tmp_path, "main")
    take(build, bad)
    report = judge_bundle(build)
    with pytest.raises(StageError, match=r"accuracy must be at most 0.01 worse .* Got 0\.\d+ → "):
        enforce(report.verdict, report.checks)
    written = (build.folder / "report.md").read_text()
    assert written.startswith("### ❌ made: failed: accuracy")
    assert json.loads((build.folder / "report.json").read_bytes())["verdict"] == "failed"


def test_first_model_is_judged_by_its_thresholds(build: Workspace, bad: Bundle) -> None:
    """A model that has never been published is judged by its thresholds alone."""
    take(build, bad)
    report = judge_bundle(build)
    enforce(report.verdict, report.checks)
    assert report.old is None
    assert "Nothing is published at oci:" in report.note


def test_gate_judges_again_only_what_has_changed(
    build: Workspace, shop: Shop, good: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a whole pipeline a bundle is judged once by the same rules and beside the same image."""
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / "gate.py").write_text("first = True\n")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    take(build, good)

    def was_judged_before() -> bool:
        """Judge once more, and return whether that read what is there."""
        judge_bundle(build, cache=True)
        return "judged before" in capsys.readouterr().out

    assert [was_judged_before() for _ in range(3)] == [False, True, True]
    publish_to(Layout(build.dist / "registry" / "made"), good, tmp_path, "main")
    assert [was_judged_before() for _ in range(2)] == [False, True]
    rules = tmp_path / "models" / "made" / "model.toml"
    rules.write_text(f"{rules.read_text()}\n")
    assert [was_judged_before() for _ in range(2)] == [False, True]
    (tmp_path / "judge" / "gate.py").write_text("first = False\n")
    assert [was_judged_before() for _ in range(2)] == [False, True]
    (build.folder / "report.md").write_text("### made: passed\n")
    assert [was_judged_before() for _ in range(2)] == [False, True]
    (build.folder / "card.md").unlink()
    assert [was_judged_before() for _ in range(2)] == [False, True]
    judge_bundle(build)
    assert not was_judged_before()


def accept(build: Workspace, reason: str = "the old data was wrong") -> list[Acceptance]:
    """Accept what the last report refuses, as `make accept` does."""
    return write(build.model, models.root(), build.folder, reason, "octocat")


def test_accepted_drop_passes_until_its_version_is_replaced(
    build: Workspace, good: Bundle, bad: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is written once, shapes no model, is recorded, and ends by itself."""
    layout = Layout(build.dist / "registry" / "made")
    publish_to(layout, good, tmp_path, "main")
    toml = models.root() / "made" / "model.toml"
    before, shaping = toml.read_text(), acceptances.shaping(toml.read_bytes())
    take(build, bad)
    refused = judge_bundle(build)
    assert "```toml\n[accept]\naccuracy = { value = 0." in (build.folder / "report.md").read_text()
    lines = accept(build)
    accepted = toml.read_text()
    assert "accuracy" in [line.what for line in lines]
    assert acceptances.shaping(toml.read_bytes()) == shaping
    assert accept(build, "another reason") == lines  # what is enough stays as it is
    assert toml.read_text() == accepted

    report = judge_bundle(build)
    enforce(report.verdict, report.checks)
    assert (refused.verdict, report.verdict) == ("failed", "accepted")
    assert report.accepted == lines
    assert "accuracy accepted by octocat, because: the old data was wrong" in headline(report)
    assert read(build.bundle).manifest == bad.manifest  # judging writes nothing into a bundle

    monkeypatch.setenv("VERSION", "1")
    (toml.parent / "estimator.py").write_text(STUMP)
    manifest = train_here(model_toml.read("made"), tmp_path / "again")
    assert manifest.gate.accepted == lines
    publish_to(layout, read(tmp_path / "again"), tmp_path, "main")
    report = judge_bundle(build)
    assert report.verdict == "passed"
    assert "it accepts nothing. Remove it: make accept MODEL=made" in " ".join(report.warnings)
    assert accept(build) == []
    assert toml.read_text() == before


def test_acceptance_needs_a_reason(
    build: Workspace, good: Bundle, bad: Bundle, tmp_path: Path
) -> None:
    """Nothing is written without a reason, which reviewers want to know."""
    publish_to(Layout(build.dist / "registry" / "made"), good, tmp_path, "main")
    take(build, bad)
    judge_bundle(build)
    with pytest.raises(UsageError, match="REASON must say why"):
        accept(build, "")
    assert "[accept]" not in (models.root() / "made" / "model.toml").read_text()


@pytest.fixture
def weak(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A model that misses one of its own thresholds."""
    weak = shop.train(flowers(), STUMP, "accuracy = { min = 0.9 }\nlog_loss = { max = 2 }\n")
    monkeypatch.setattr(
        gate, "read_policy", lambda _: model_toml.read("made", weak.path.parent).gate
    )
    return weak


def test_missed_threshold_is_accepted_by_no_line(build: Workspace, weak: Bundle) -> None:
    """Who accepts less than a threshold changes the threshold, for all to see."""
    take(build, weak)
    assert judge_bundle(build).verdict == "failed"
    assert "[accept]" not in (build.folder / "report.md").read_text()
    with pytest.raises(StageError, match=r"accuracy must be at least 0\.9, is .* change the rule"):
        accept(build)


def test_reports_are_written_through_no_link(build: Workspace, weak: Bundle) -> None:
    """Judging replaces links, and writes nothing through them."""
    take(build, weak)
    victim = build.dist / "victim"
    victim.write_text("Gate FAILED: accuracy\n")
    links = build.folder / "card.md", build.folder / "report.md"
    for link in links:
        link.symlink_to(victim)
    judge_bundle(build)
    assert victim.read_text() == "Gate FAILED: accuracy\n"
    assert not any(link.is_symlink() for link in links)


def test_model_whose_evaluation_is_withheld_is_asked_again(
    build: Workspace, good: Bundle, tmp_path: Path
) -> None:
    """Who may read the image and not its evaluation still compares, and the report says how."""
    image = image_of(good.path, tmp_path / "image.tar")
    publish(image, [Tag("main")], Layout(build.dist / "registry" / "made"))
    take(build, good)
    report = judge_bundle(build)
    assert report.compared == report.rows
    assert "the same answers as the published model" in headline(report)
    assert f"not at hand: it answered the {report.rows} new held-out rows again." in report.note
    assert "its evaluation cannot be read here" in report.note


def test_unreadable_published_model_is_said_and_does_not_block(
    build: Workspace, good: Bundle, tmp_path: Path
) -> None:
    """If the published manifest has another schema, thresholds alone count; the report says so."""
    old = tmp_path / "old"
    shutil.copytree(good.path, old)
    manifest = json.loads((old / "manifest.json").read_bytes())
    (old / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    image = image_of(old, tmp_path / "image.tar")
    publish(image, [Tag("main")], Layout(build.dist / "registry" / "made"))
    take(build, good)
    report = judge_bundle(build)
    enforce(report.verdict, report.checks)
    assert "cannot be read by this revision" in report.note


@pytest.mark.engine
def test_pull_request_without_secrets_is_not_compared_and_says_so(
    build: Workspace, good: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork's pull request cannot read a private registry; anybody else's red means a fault."""
    monkeypatch.setenv("REGISTRY", "127.0.0.1:9/private")
    take(build, good)
    with pytest.raises(StageError, match="must be a registry that you may use"):
        judge_bundle(build)
    monkeypatch.setattr(gate, "lacks_secrets", lambda: True)
    report = judge_bundle(build)
    assert report.verdict == "passed"
    page = (build.folder / "report.md").read_text()
    assert "127.0.0.1:9/private/made cannot be read here, as GitHub gives the pull requests" in page
    assert "absolute thresholds only" in page


def test_published_image_that_is_labelled_another_model_is_nothing_to_compare_with(
    build: Workspace, good: Bundle, tmp_path: Path
) -> None:
    """A published image labelled as another model is not compared with, and the report says so."""
    files = {f"bundle/{file.name}": file.read_bytes() for file in good.path.iterdir()}
    image = oci_archive(tmp_path / "image.tar", files, {MODEL: "other"})
    publish(image, [Tag("main")], Layout(build.dist / "registry" / "made"))
    take(build, good)
    report = judge_bundle(build)
    assert report.old is None
    assert "must hold made. Got 'other' instead" in report.note


def test_report_json_is_what_the_schema_allows(build: Workspace, good: Bundle) -> None:
    """The file report.json fits judge/report.schema.json, which is up to date."""
    take(build, good)
    report = judge_bundle(build)
    content = (build.folder / "report.json").read_bytes()
    assert msgspec.json.decode(content, type=Report) == report
    assert SCHEMA.read_bytes() == schema()
    command = ["check_jsonschema", "--schemafile", str(SCHEMA), str(build.folder / "report.json")]
    subprocess.run([sys.executable, "-m", *command], check=True)
