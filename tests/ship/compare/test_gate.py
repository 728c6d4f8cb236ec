"""The gate stage: from what is published to a verdict, a report and a manifest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from contract.bundle import Bundle, Override, encode, read
from contract.spec import model_toml
from judge.render.sentences import headline
from judge.report import Report
from ship.build import bundle_intake
from ship.build.workspace import Workspace
from ship.compare import gate
from ship.compare.gate import judge_bundle
from ship.compare.gate_report import enforce
from ship.compare.published_model import fetch, newest
from ship.errors import StageError
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

pytestmark = pytest.mark.slow  # trains models


@pytest.fixture
def build(tmp_path: Path, shop: Shop, good: Bundle, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The build of a model whose folder is that of the good one."""
    monkeypatch.delenv("REGISTRY", raising=False)
    monkeypatch.setenv("MODELS", str(good.path.parent))
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
    rules = good.path.parent / "made" / "model.toml"
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


def test_override_lets_a_model_pass_and_stays_in_its_manifest(
    build: Workspace, good: Bundle, bad: Bundle, tmp_path: Path
) -> None:
    """Equal reasons give equal bytes; without one the next run fails again."""
    publish_to(Layout(build.dist / "registry" / "made"), good, tmp_path, "main")
    manifests = []
    for _ in range(2):
        take(build, bad)
        report = judge_bundle(build, "the old data was wrong")
        enforce(report.verdict, report.checks)
        manifests.append((build.bundle / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]
    assert report.verdict == "accepted"
    assert "accepted because: the old data was wrong" in headline(report)
    recorded = read(build.bundle).manifest.gate
    assert recorded.passed
    assert recorded.override == Override(reason="the old data was wrong", accepted=[])

    assert judge_bundle(build).verdict == "failed"
    assert (build.bundle / "manifest.json").read_bytes() == encode(bad.manifest)


@pytest.fixture
def weak(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A model that misses one of its own thresholds."""
    weak = shop.train(flowers(), STUMP, "accuracy = { min = 0.9 }\nlog_loss = { max = 2 }\n")
    monkeypatch.setattr(
        gate, "read_policy", lambda _: model_toml.read("made", weak.path.parent).gate
    )
    return weak


def test_override_of_a_missed_threshold_moves_its_check(build: Workspace, weak: Bundle) -> None:
    """The check that an override accepts stands beside its reason, apart from the passed ones."""
    take(build, weak)
    report = judge_bundle(build, "a demonstration")
    enforce(report.verdict, report.checks)
    gate = read(build.bundle).manifest.gate
    assert gate.passed
    assert [check.metric for check in gate.checks] == ["log_loss"]
    assert gate.override is not None
    assert [check.metric for check in gate.override.accepted] == ["accuracy"]
    card = build.folder / "card.md"
    assert "because: `a demonstration`" in card.read_text()

    assert judge_bundle(build).verdict == "failed"
    assert (build.bundle / "manifest.json").read_bytes() == encode(weak.manifest)
    assert "demonstration" not in card.read_text()


def test_reason_is_recorded_through_no_link(build: Workspace, weak: Bundle) -> None:
    """Recording a reason replaces links, and writes nothing through them."""
    take(build, weak)
    victim = build.dist / "victim"
    victim.write_text("Gate FAILED: accuracy\n")
    links = build.folder / "card.md", build.folder / "report.md"
    for link in (build.bundle / "card.md", *links):
        link.symlink_to(victim)
    judge_bundle(build, "a demonstration")
    assert victim.read_text() == "Gate FAILED: accuracy\n"
    assert read(build.bundle).manifest.gate.override
    assert not (build.bundle / "card.md").exists()
    assert not any(link.is_symlink() for link in links)


def test_override_of_a_model_that_passes_changes_nothing(build: Workspace, good: Bundle) -> None:
    """The reason for a model that passes is not recorded, and its image keeps the digest."""
    take(build, good)
    assert judge_bundle(build, "just in case").verdict == "passed"
    assert (build.bundle / "manifest.json").read_bytes() == encode(good.manifest)


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
