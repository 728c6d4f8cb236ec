"""Number 3: publish trusted the names of files.

Another model's tested archive in dist/iris was published as iris; after a commit that changed what
a model is made from, the old image went out under the new commit's tags; an image was published
whose report said that it had failed; and in a workflow whatever lay in the folder of artifacts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.bundle import MANIFEST, encode
from ship import git
from ship.build.inputs import plan
from ship.build.workspace import MEASUREMENT, PASSED_TESTS
from ship.errors import ShipError, StageError, UsageError
from ship.files.digest import of
from ship.github.step_files import set_outputs
from ship.pipeline.admission import refuse_untested
from ship.pipeline.handover import Handover, find, hand_on, parse, read_handovers
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from ship.supply_chain import passed_tests
from ship.supply_chain.passed_tests import Record
from tests.support.checkouts.fork import Fork
from tests.support.images.passed_images import (
    bundle_beside,
    image_of,
    manifest,
    pass_everything,
    pass_measure,
    report,
    write_report,
)

pytestmark = pytest.mark.slow  # runs the words as programs

IRIS, OTHER = "iris", "penguins"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A fork of two models."""
    fork = Fork(tmp_path_factory.mktemp("fork"))
    for model in (IRIS, OTHER):
        shutil.copytree(git.TOOL / "model" / model, fork.root / "model" / model,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    fork.commit()
    return fork


@pytest.fixture
def fork(committed: Fork) -> Iterator[Fork]:
    """The fork, of which a test may change everything."""
    before = committed.git("rev-parse", "HEAD")
    yield committed
    committed.git("reset", "--quiet", "--hard", before)
    shutil.rmtree(committed.root / "dist", ignore_errors=True)


def make_tested(fork: Fork, model: str) -> Archive:
    """Have the pipeline's results of a model in dist."""
    inputs = plan(model, fork.models, fork.root).image.hash
    archive = image_of(fork.root / "dist" / model, model, inputs)
    return pass_everything(archive, model)


def publish(fork: Fork, model: str = IRIS, *options: str, **variables: str) -> str:
    """Run the word publish as the Makefile does; return why it refused, or nothing."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("REGISTRY", "DIGESTS", "GITHUB_ACTIONS", "IMAGES")}  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-m", "ship", "publish", model, *options], cwd=fork.root,
        env={**environment, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode in (0, 3), run.stdout + run.stderr
    return run.stdout if run.returncode else ""


def tags(fork: Fork, model: str = IRIS) -> list[str]:
    """Return the tags that were published of a model."""
    return Layout(fork.root / "dist" / "registry" / model).tags()


def test_tested_image_is_published(fork: Fork) -> None:
    """What the stages left of a good image goes out under the commit's tags."""
    archive = make_tested(fork, IRIS)
    assert publish(fork) == ""
    by_inputs = f"inputs-{archive.labels['model-images.inputs']}"
    assert tags(fork) == [by_inputs, "main", f"sha-{fork.git('rev-parse', 'HEAD')[:12]}"]
    layout = Layout(fork.root / "dist" / "registry" / IRIS)
    assert layout.resolve("main") == archive.digest


def test_another_models_tested_archive_is_refused(fork: Fork) -> None:
    """The tested image of penguins in dist/iris is refused."""
    make_tested(fork, OTHER)
    (fork.root / "dist" / OTHER).rename(fork.root / "dist" / IRIS)
    error = publish(fork)
    assert "must be labelled model-images.model=iris. Got 'penguins' instead" in error
    assert "make image MODEL=iris" in error
    assert tags(fork) == []


def test_image_of_an_earlier_commit_is_refused(fork: Fork) -> None:
    """An image is refused after a commit that changed what the model is made from."""
    make_tested(fork, IRIS)
    fork.edit("serve/__init__.py", '"""', '"""Changed. ')
    fork.commit()
    error = publish(fork)
    assert (
        f"must be labelled model-images.inputs={plan(IRIS, fork.models, fork.root).image.hash}"
        in error
    )
    assert tags(fork) == []


def test_image_of_an_earlier_commit_is_still_it_where_nothing_changed(fork: Fork) -> None:
    """After a commit of documentation the image is still published, under that commit's tag too."""
    make_tested(fork, IRIS)
    fork.commit(README_dot_md="Other words")
    assert publish(fork) == ""


def test_image_whose_report_says_failed_is_refused(fork: Fork) -> None:
    """An image that passed is refused if the gate ran again and failed."""
    archive = make_tested(fork, IRIS)
    write_report(archive, report(IRIS, "failed"))
    error = publish(fork)
    assert "must have passed its gate. Its report says failed" in error
    assert "make gate measure MODEL=iris" in error
    assert tags(fork) == []


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An image of this very checkout's iris that has passed everything."""
    image = image_of(tmp_path / "dist" / IRIS, IRIS, plan(IRIS).image.hash)
    return pass_everything(image, IRIS)


def test_record_of_another_digest_counts_for_nothing(archive: Archive) -> None:
    """The record of the tests does not count for an image of another digest."""
    changed = image_of(archive.path.parent, IRIS, plan(IRIS).image.hash, "two")
    with pytest.raises(StageError, match=r"must have passed its measure\. It has not"):
        refuse_untested(changed, IRIS)


@pytest.mark.parametrize("part", ["verdict", "measure", "scan", "smoke"])
def test_image_that_has_not_passed_a_stage_is_refused(archive: Archive, part: str) -> None:
    """Each stage has to have left its part of the record."""
    file = archive.path.with_name(PASSED_TESTS)
    file.write_text(json.dumps(json.loads(file.read_text()) | {part: None}))
    stage = "measure" if part == "verdict" else part
    with pytest.raises(StageError, match=rf"passed its {stage}\. It has not\. Run: make {stage} "):
        refuse_untested(archive, IRIS)


def test_image_that_passed_other_tests_is_refused(archive: Archive) -> None:
    """An image is refused if it passed smoke tests other than this checkout's."""
    passed_tests.record(archive, smoke=passed_tests.Smoke(tests="0" * 64, passed=3))
    with pytest.raises(StageError, match=r"smoke tests of this checkout\. It has passed others"):
        refuse_untested(archive, IRIS)


def test_report_on_another_model_is_refused(archive: Archive) -> None:
    """A report on another model is refused even if its hash is recorded."""
    other = report(OTHER, "passed")
    write_report(archive, other)
    passed_tests.record_verdict(archive, bundle_beside(archive), other)
    with pytest.raises(StageError, match=r"must have a report on iris\. Got one on penguins"):
        refuse_untested(archive, IRIS)


def test_verdict_on_another_bundle_does_not_count(archive: Archive) -> None:
    """A newly judged bundle does not make up for an image around the old one."""
    folder = bundle_beside(archive)
    retrained = manifest(IRIS)
    retrained.version = "2"
    (folder / MANIFEST).write_bytes(encode(retrained))
    with pytest.raises(StageError, match=r"must hold the bundle that was judged.*make image meas"):
        passed_tests.record_verdict(archive, folder, report(IRIS, "passed"))
    forged = passed_tests.read(archive)
    assert forged.verdict
    changed = msgspec.structs.replace(forged.verdict, bundle=of(encode(retrained)))
    passed_tests.record(archive, verdict=changed)
    with pytest.raises(
        StageError, match=r"must hold the bundle that was judged\. It holds another"
    ):
        refuse_untested(archive, IRIS)


def test_report_on_another_bundle_is_refused(archive: Archive) -> None:
    """A report on another bundle is refused even if its hash is recorded."""
    other = report(IRIS, "passed")
    other.bundle = "sha256:" + "0" * 64
    write_report(archive, other)
    passed_tests.record_verdict(archive, bundle_beside(archive), other)
    with pytest.raises(StageError, match=r"must hold the bundle that was judged.*make gate image"):
        refuse_untested(archive, IRIS)


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "sha256:" + "0" * 64},
        {"against": "sha256:" + "0" * 64},
        {"verdict": "failed"},
    ],
)
def test_measurement_of_another_image_is_refused(archive: Archive, changes: dict[str, Any]) -> None:
    """The measurement must be of this image, beside the one the gate compared with, and passed."""
    pass_measure(archive, **changes)
    with pytest.raises(StageError, match=r"must have passed a measurement beside the image that"):
        refuse_untested(archive, IRIS)


def test_measurement_that_was_changed_is_refused(archive: Archive) -> None:
    """A failed measurement that was edited to say passed is refused."""
    with archive.path.with_name(MEASUREMENT).open("ab") as file:
        file.write(b" ")
    with pytest.raises(StageError, match=r"must have a measurement\.json of sha256:.*Got sha256:"):
        refuse_untested(archive, IRIS)


def test_digests_without_images_are_refused(fork: Fork) -> None:
    """With DIGESTS, the images must be in IMAGES; the one in dist/ does not count."""
    make_tested(fork, IRIS)
    error = publish(fork, IRIS, DIGESTS='{"amd64":"sha256:' + "0" * 64 + '"}')
    assert "IMAGES must be the folder of the images in DIGESTS" in error
    assert tags(fork) == []


def test_report_that_was_changed_is_refused(archive: Archive) -> None:
    """A failed report that was edited to say passed is refused."""
    changed = report(IRIS, "passed")
    changed.note = "made up"
    write_report(archive, changed)
    with pytest.raises(StageError, match=r"must have a report\.json of sha256:.*Got sha256:"):
        refuse_untested(archive, IRIS)


def test_image_with_another_models_bundle_is_refused(tmp_path: Path) -> None:
    """An image labelled iris with another model's bundle inside is refused."""
    image = image_of(tmp_path / IRIS, IRIS, plan(IRIS).image.hash, bundle=manifest(OTHER))
    with pytest.raises(StageError, match=r"must hold a bundle of iris\. Got one of penguins"):
        refuse_untested(pass_everything(image, IRIS), IRIS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "must be a record of this revision"),
        ('{"digest": "sha256:../../x"}', "matching regex"),
        ("{", "must be a record"),
        ("extra", "unknown field `extra`"),
        ("nested", "unknown field `forced`"),
        ("traversal", "Invalid enum value"),
        ("passed", "Invalid enum value 'failed'"),
    ],
)
def test_record_of_another_form_is_refused(archive: Archive, content: str, reason: str) -> None:
    """A record with unknown or wrong fields is refused by name."""
    file = archive.path.with_name(PASSED_TESTS)
    record = json.loads(file.read_text())
    forged = {
        "extra": record | {"extra": 1},
        "nested": record | {"smoke": {**record["smoke"], "forced": True}},
        "traversal": record | {"scan": {"files": {"../x": "sha256:" + "0" * 64}, "database": True}},
        "passed": record | {"verdict": {**record["verdict"], "verdict": "failed"}},
    }
    file.write_text(json.dumps(forged[content]) if content in forged else content)
    with pytest.raises(StageError, match=reason):
        refuse_untested(archive, IRIS)


def test_record_that_is_a_link_is_refused(archive: Archive, tmp_path: Path) -> None:
    """A record or report that is a link is refused."""
    file = archive.path.with_name(PASSED_TESTS)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ShipError, match=r"must be a regular file\. Got a link"):
        refuse_untested(archive, IRIS)


def test_record_is_replaced_by_that_of_the_next_image(archive: Archive) -> None:
    """What one image has passed is never carried over to the next."""
    changed = image_of(archive.path.parent, IRIS, plan(IRIS).image.hash, "two")
    passed_tests.record_scan(changed, {}, scanner="0" * 64, database=True)
    record = passed_tests.read(changed)
    assert record == Record(digest=changed.digest, scan=record.scan)


def images(fork: Fork) -> Path:
    """Return a folder of two platforms' images of iris, as a workflow hands them on."""
    inputs = plan(IRIS, fork.models, fork.root).image.hash
    folder = fork.root / "dist" / "images"
    for architecture in ("amd64", "arm64"):
        image = image_of(folder / architecture, IRIS, inputs, architecture=architecture)
        pass_everything(image, IRIS)
    return folder


def outputs(folder: Path) -> str:
    """Return the outputs of the jobs that tested the images in a folder, as a workflow does."""
    handed_on: dict[str, str] = {}
    for file in folder.glob("*/image.tar"):
        handed_on |= hand_on(Archive(file))
    return json.dumps(handed_on)


def handed(folder: Path) -> dict[str, Handover]:
    """Return what the jobs of all platforms handed on."""
    handed_on: dict[str, str] = json.loads(outputs(folder))
    return {architecture: parse(architecture, value) for architecture, value in handed_on.items()}


def test_index_of_tested_images_is_published(fork: Fork) -> None:
    """An index of both platforms' images is published with what their jobs handed on."""
    folder = images(fork)
    digests = outputs(folder)
    assert publish(fork, IRIS, IMAGES=str(folder), DIGESTS=digests, GITHUB_ACTIONS="true") == ""
    assert "main" in tags(fork)


def test_index_with_another_models_image_is_refused(fork: Fork) -> None:
    """Every platform's image is held to the same, not the first alone."""
    folder = images(fork)
    shutil.rmtree(folder / "arm64")
    other = image_of(folder / "arm64", OTHER, plan(IRIS, fork.models, fork.root).image.hash,
                     architecture="arm64")  # fmt: skip
    pass_everything(other, OTHER)
    error = publish(fork, IRIS, IMAGES=str(folder))
    assert "arm64/image.tar must be labelled model-images.model=iris" in error
    assert tags(fork) == []


def replace(folder: Path) -> None:
    """Put another image where a tested one was."""
    pass_everything(image_of(folder / "arm64", IRIS, "", "other", architecture="arm64"), IRIS)


def add(folder: Path) -> None:
    """Add the image of another platform."""
    shutil.copytree(folder / "amd64", folder / "s390x")


def nest(folder: Path) -> None:
    """Put an image into the folder of another one."""
    shutil.copytree(folder / "amd64", folder / "amd64" / "more")


def exchange(folder: Path) -> None:
    """Exchange the folders of two platforms."""
    (folder / "amd64").rename(folder / "other")
    (folder / "arm64").rename(folder / "amd64")
    (folder / "other").rename(folder / "arm64")


@pytest.mark.parametrize("change", [replace, add, nest, exchange])
def test_images_other_than_those_handed_on_are_refused(fork: Fork, change: object) -> None:
    """An artifact that is another, additional, nested or under another name is not published."""
    folder = images(fork)
    tested_ones = handed(folder)
    assert callable(change)
    change(folder)
    with pytest.raises(StageError, match="must hold"):
        find(folder, tested_ones)


def test_record_that_was_swapped_with_its_files_is_refused(fork: Fork) -> None:
    """The image's bytes are bound by its digest; report, scan and SBOM are by that of the record.

    The swapped ones agree with each other and are about this very image: nothing else tells.
    """
    folder = images(fork)
    digests = outputs(folder)
    archive = Archive(folder / "amd64" / "image.tar")
    made_up = report(IRIS, "passed", archive)
    made_up.note = "made up"
    write_report(archive, made_up)
    passed_tests.record_verdict(archive, bundle_beside(archive), made_up)
    refuse_untested(archive, IRIS)
    error = publish(fork, IRIS, IMAGES=str(folder), DIGESTS=digests)
    assert "amd64/tested.json must be sha256:" in error
    assert "the record that the tests left. Got sha256:" in error
    assert tags(fork) == []


def test_output_of_a_job_is_one_line_that_is_read_back(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The smoke stage's output is one line, and publishing reads it back from JSON."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    set_outputs(**hand_on(archive))
    name, _, value = (tmp_path / "output").read_text().rstrip("\n").partition("=")
    monkeypatch.setenv("DIGESTS", json.dumps({name: value, "arm64": ""}, indent=2))
    record = of(archive.path.with_name(PASSED_TESTS).read_bytes())
    assert read_handovers() == {"amd64": Handover(image=archive.digest, record=record)}


def test_image_that_is_missing_is_refused(fork: Fork) -> None:
    """Publishing is refused if an image that DIGESTS names is missing."""
    folder = images(fork)
    digests = outputs(folder)
    shutil.rmtree(folder / "arm64")
    error = publish(fork, IRIS, IMAGES=str(folder), DIGESTS=digests)
    assert "must hold the images of amd64, arm64, and nothing else. Got amd64 instead" in error


def one(**changed: str) -> str:
    """Return the output of one job, with something else in it."""
    return json.dumps({"image": f"sha256:{'0' * 64}", "record": f"sha256:{'0' * 64}", **changed})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "must hold JSON"),
        ("{}", "must name at least one image"),
        ('{"amd64":"","arm64":""}', "must name at least one image"),
        ('["sha256:0"]', "must hold a JSON object"),
        ('{"../x":"sha256:0"}', "must be of architectures"),
        ('{"amd64":"sha256:' + "0" * 64 + '"}', "must be what its tests handed on"),
        (json.dumps({"amd64": one(image="sha256:0 --insecure")}), "matching regex"),
        (json.dumps({"amd64": one(image=f"sha256:{'0' * 64}\n")}), "matching regex"),
        (json.dumps({"amd64": one(record="")}), "matching regex"),
        (json.dumps({"amd64": one(more="")}), "unknown field"),
    ],
)
def test_digests_of_another_form_are_refused(
    value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DIGESTS must be set in a workflow, and hold nothing but digests."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("DIGESTS", value)
    with pytest.raises((UsageError, ShipError), match=reason):
        read_handovers()
