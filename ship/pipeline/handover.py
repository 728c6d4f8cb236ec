"""What the jobs that tested images hand on: which images, and the record of what each has passed.

In a workflow, artifacts fill IMAGES, and a model's code may have influenced their names and
contents. The outputs of jobs in which no such code runs decide.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ship.build.workspace import IMAGE, PASSED_TESTS
from ship.errors import StageError, UsageError
from ship.files import digest
from ship.files.bounded import decoded, read_file
from ship.files.digest import NAME
from ship.registry.oci_archive import Archive
from ship.supply_chain.passed_tests import Digest


class Handover(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One image that passed every test, and the hash of the record that says so."""

    image: Digest
    record: Digest


def hand_on(archive: Archive) -> dict[str, str]:
    """Return the output of the job that tested an image, by the name of its architecture."""
    handover = Handover(image=archive.digest, record=record_of(archive))
    return {archive.architecture: msgspec.json.encode(handover).decode()}


def read_handovers() -> dict[str, Handover] | None:
    """Return what each architecture's job handed on, None where one machine runs all jobs.

    Raises UsageError for DIGESTS of another form.
    """
    text = os.environ.get("DIGESTS", "")
    if not text and "GITHUB_ACTIONS" not in os.environ:
        return None
    outputs = {name: value for name, value in decoded(text.encode(), "DIGESTS").items() if value}
    for architecture in outputs:
        if not NAME.fullmatch(architecture):
            raise UsageError(f"DIGESTS must be of architectures. Got {architecture[:100]!r}.")
    if not outputs:
        raise UsageError(
            "DIGESTS must name at least one image. Got none; test one: make measure scan smoke"
        )
    return {architecture: parse(architecture, value) for architecture, value in outputs.items()}


def parse(architecture: str, value: object) -> Handover:
    """Read one job's output; raise UsageError for another form."""
    try:
        return msgspec.json.decode(str(value), type=Handover)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"DIGESTS: {architecture} must be what its tests handed on, the digests of an image "
            f"and of its {PASSED_TESTS}. Got instead: {error}"
        ) from error


def find(folder: Path, handovers: dict[str, Handover] | None = None) -> list[Archive]:
    """Return the archives in `folder`, one for each architecture, in a folder of its name.

    Raises UsageError if there are none. Raises StageError unless they are exactly the images of
    `handovers`, where that is given, with the records of their tests.
    """
    archives = {path.parent: Archive(path) for path in sorted(folder.rglob(IMAGE))}
    if not archives:
        raise UsageError(
            f"IMAGES must hold a folder with an image.tar per platform. {folder} does not."
        )
    if handovers is not None:
        refuse_others(
            folder, {path.name: archives.get(path) for path in folder.iterdir()}, handovers
        )
        nested = [str(path) for path in archives if path.parent != folder]
        if nested:
            raise StageError(f"{folder} must hold folders of images. Got {nested[0]} as well.")
    return list(archives.values())


def refuse_others(
    folder: Path, archives: dict[str, Archive | None], handovers: dict[str, Handover]
) -> None:
    """Raise StageError unless the archives and their records are those that were handed on."""
    if set(archives) != set(handovers):
        raise StageError(
            f"{folder} must hold the images of {', '.join(sorted(handovers))}, and nothing else. "
            f"Got {', '.join(sorted(archives))} instead; hand on what was tested, and run again."
        )
    for name, archive in archives.items():
        wanted = handovers[name]
        if archive is None or (archive.architecture, archive.digest) != (name, wanted.image):
            got = f"{archive.digest} for {archive.architecture}" if archive else "none"
            raise StageError(f"{folder / name} must hold the image {wanted.image} for {name}, "
                             f"which was tested. Got {got} instead.")  # fmt: skip
        if (record := record_of(archive)) != wanted.record:
            raise StageError(f"{folder / name / PASSED_TESTS} must be {wanted.record}, the "
                             f"record that the tests left. Got {record} instead.")  # fmt: skip


def record_of(archive: Archive) -> str:
    """Return the hash of the record beside an image; it holds those of reports and SBOMs."""
    return digest.of(read_file(archive.path.with_name(PASSED_TESTS)))
