"""Number 8: links in a bundle created a file on the host, read one, and changed one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from contract import bundle
from contract.bundle import BundleError, File
from contract.evaluation import evaluation
from contract.evaluation.evaluation import beside
from ship.build.bundle_intake import take
from tests.attacks.conftest import attack
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import FOREST, Folder
from tests.support.models.train_here import train_here


@pytest.fixture
def stranger(folder: Folder) -> Path:
    """A good bundle, for an attacker to change."""
    train_here(folder.write_prices(), folder.root / "stranger")
    return folder.root / "stranger"


def link_to_read(stranger: Path) -> None:
    """Let a listed file be another one of this machine."""
    secret = stranger.parent / "secret"
    secret.write_bytes((stranger / "notes.md").read_bytes())
    (stranger / "notes.md").unlink()
    (stranger / "notes.md").symlink_to(secret)


def link_to_write(stranger: Path) -> None:
    """Let an extra file lead to where a later copy would write."""
    (stranger / "report.md").symlink_to(stranger.parent / "created")


def link_as_manifest(stranger: Path) -> None:
    """Replace the manifest by a link to it."""
    (stranger / "manifest.json").rename(stranger.parent / "manifest.json")
    (stranger / "manifest.json").symlink_to(stranger.parent / "manifest.json")


def link_out_of_the_folder(stranger: Path) -> None:
    """List a file by a name that leads out of the bundle."""
    (stranger.parent / "above").write_bytes(b"")
    record(stranger, "../above", File(sha256="0" * 64, bytes=0))


def extra_file(stranger: Path) -> None:
    """Add a file that the manifest does not list."""
    (stranger / "estimator.py").write_text("import os")


def nested_folder(stranger: Path) -> None:
    """Add an empty folder."""
    (stranger / "folder").mkdir()


def folder_for_a_file(stranger: Path) -> None:
    """Replace a listed file by a folder."""
    (stranger / "notes.md").unlink()
    (stranger / "notes.md").mkdir()


def pipe(stranger: Path) -> None:
    """Let who reads wait for ever."""
    (stranger / "notes.md").unlink()
    os.mkfifo(stranger / "notes.md")


def huge_file(stranger: Path) -> None:
    """Grow a file to a terabyte that takes no room here."""
    os.truncate(stranger / "notes.md", 2**40)


def huge_listed_file(stranger: Path) -> None:
    """Make a listed file, and its size in the manifest, larger than a bundle may be."""
    os.truncate(stranger / "notes.md", 2**31 + 1)
    record(stranger, "notes.md", File(sha256="0" * 64, bytes=2**31 + 1))


def huge_manifest(stranger: Path) -> None:
    """Make the manifest a sparse file of a tebibyte."""
    os.truncate(stranger / "manifest.json", 2**40)


def changed_file(stranger: Path) -> None:
    """Change one bit of the model."""
    content = bytearray((stranger / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (stranger / "model.onnx").write_bytes(content)


def another_name(stranger: Path) -> None:
    """List a file that no bundle has, for whoever imports or runs what lies there."""
    (stranger / "estimator.py").write_bytes(b"")
    record(stranger, "estimator.py", File(sha256=hashlib.sha256().hexdigest(), bytes=0))


def large_sum(stranger: Path) -> None:
    """List files that are each no larger than a file may be."""
    for name in ("notes.md", "examples.json"):
        record(stranger, name, File(sha256="0" * 64, bytes=2 * 2**30))


def absent_evaluation(stranger: Path) -> None:
    """List no evaluation beside the bundle, by which it is compared later."""
    manifest = bundle.read_manifest(stranger)
    del manifest.beside["evaluation.json"]
    (stranger / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def rows_in_the_bundle(stranger: Path) -> None:
    """List the held-out rows as a file of the bundle, so that an image holds them."""
    content = (beside(stranger) / "holdout.json").read_bytes()
    (stranger / "holdout.json").write_bytes(content)
    file = File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    record(stranger, "holdout.json", file)


def link_beside(stranger: Path) -> None:
    """Let the held-out rows be another file of this machine."""
    file = beside(stranger) / "holdout.json"
    file.rename(stranger.parent / "elsewhere")
    file.symlink_to(stranger.parent / "elsewhere")


def other_file_beside(stranger: Path) -> None:
    """List a file beside the bundle by a name that leads away."""
    manifest = bundle.read_manifest(stranger)
    manifest.beside["../above"] = File(sha256="0" * 64, bytes=0)
    (stranger / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def absent_notes(stranger: Path) -> None:
    """Remove the notes, from the manifest too."""
    leave_out(stranger, "notes.md")


def leave_out(stranger: Path, name: str) -> None:
    """Make a bundle that could be served, and that nobody could judge or describe."""
    manifest = bundle.read_manifest(stranger)
    del manifest.files[name]
    (stranger / name).unlink()
    (stranger / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    bundle.read(stranger)


def absent_model(stranger: Path) -> None:
    """List no model at all."""
    manifest = bundle.read_manifest(stranger)
    del manifest.files["model.onnx"]
    (stranger / "model.onnx").unlink()
    (stranger / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def record(stranger: Path, name: str, file: File) -> None:
    """List a file in the manifest."""
    manifest = bundle.read_manifest(stranger)
    manifest.files[name] = file
    (stranger / "manifest.json").write_bytes(msgspec.json.encode(manifest))


ATTACKS: dict[Callable[[Path], None], str] = {
    link_to_read: r"notes\.md must be a regular file\. Got a link",
    link_to_write: "nothing else",
    link_as_manifest: r"manifest\.json must be a regular file\. Got a link",
    link_out_of_the_folder: r"Got '\.\./above'",
    extra_file: r"Got 'estimator\.py' too",
    nested_folder: "Got 'folder' too",
    folder_for_a_file: r"notes\.md must be a regular file",
    pipe: r"notes\.md must be a regular file",
    huge_file: r"notes\.md must have at most",
    huge_listed_file: r"notes\.md must have at most",
    huge_manifest: r"manifest\.json must have at most",
    changed_file: r"model\.onnx must have sha256",
    absent_model: r"files must list model\.onnx",
    another_name: r"Got 'estimator\.py' as well",
    large_sum: "bytes in all",
    absent_evaluation: r"beside must list .* Got no evaluation\.json",
    rows_in_the_bundle: r"files must list .* Got 'holdout\.json' as well",
    link_beside: r"holdout\.json must be a regular file\. Got a link",
    other_file_beside: r"beside must list .* Got '\.\./above' as well",
    absent_notes: r"files must list .* Got no notes\.md",
}


@pytest.mark.daily(8)
@pytest.mark.slow
@pytest.mark.parametrize("spoil", ATTACKS, ids=lambda spoil: spoil.__name__)
def test_spoilt_bundle_is_refused_with_nothing_replaced(
    stranger: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """A bundle is taken whole or not at all; a refused one leaves the bundle before it."""
    target = tmp_path / "dist" / "bundle"
    take(stranger, target)
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    spoil(stranger)
    known = sorted(path.name for path in stranger.parent.iterdir())
    with pytest.raises(BundleError, match=ATTACKS[spoil]):
        take(stranger, target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    assert {path.name for path in target.parent.iterdir()} == {"bundle", "evaluation"}
    assert sorted(path.name for path in stranger.parent.iterdir()) == known


def test_bundle_is_taken_byte_for_byte(stranger: Path, tmp_path: Path) -> None:
    """An imported bundle keeps its bytes, the manifest's white space included."""
    manifest = stranger / "manifest.json"
    manifest.write_bytes(b"\n" + manifest.read_bytes())
    take(stranger, tmp_path / "taken")
    assert {file.name: file.read_bytes() for file in (tmp_path / "taken").iterdir()} == {
        file.name: file.read_bytes() for file in stranger.iterdir()
    }


def test_evaluation_is_not_read_through_a_link(stranger: Path) -> None:
    """An evaluation that is a link out of the bundle, or absent, is refused."""
    link_beside(stranger)
    judged = bundle.read(stranger)
    with pytest.raises(BundleError, match=r"holdout\.json must be a regular file\. Got a link"):
        evaluation.read(judged)
    (beside(stranger) / "holdout.json").unlink()
    with pytest.raises(BundleError, match=r"holdout\.json must exist"):
        evaluation.read(judged)


LINKS = '''
"""Replaces what training exports by links, when all is written."""

import atexit
import os


def replace():
    for name, target in (("model.onnx", {model!r}), ("claims.json", {claims!r})):
        if target:
            os.unlink(f"/export/{{name}}")
            os.symlink(target, f"/export/{{name}}")


atexit.register(replace)
'''


@pytest.mark.engine
@pytest.mark.parametrize(
    ("model", "claims", "words"),
    [
        ("/rows/holdout.json", "", "/export/model.onnx must be a regular file. Got a link"),
        ("", "/etc/passwd", "/export/claims.json must be a regular file. Got a link"),
        ("../../../../dist/created", "", "must be"),
    ],
)
@pytest.mark.nightly
def test_links_that_training_leaves_are_refused(
    fork: Fork, model: str, claims: str, words: str
) -> None:
    """Whatever the model's code puts where its export should be, no bundle comes of it."""
    attack(fork, LINKS.format(model=model, claims=claims) + FOREST)
    process = fork.make("train", MODEL=MODEL)
    assert process.returncode != 0
    assert words in process.stdout + process.stderr
    assert not (fork.root / "dist" / MODEL / "bundle").exists()
    assert not (fork.root / "dist" / "created").exists()
