"""The comment on a pull request, whoever wrote the run's report."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest

from ship.errors import ShipError
from ship.github import run_results
from ship.github.api import GitHub
from ship.github.comment import MARKER, NO_REPORT, comment
from ship.github.run_results import REPORT as MEMBER
from ship.github.run_results import text
from ship.github.untrusted import LIMIT
from tests.support.github.fake import State, archive

StartedBy = Callable[[dict[str, Any]], None]
NEEDED = {"pull-requests": "write", "actions": "read"}
SHA = "a" * 40
REPORT = """\
### iris: **better**

> [!WARNING]
> Few rows.

| metric | new |
|---|---|
| accuracy | 0.97 < 1 |

<details>
<summary>Gate</summary>

`█░` p = 0.3 & more

</details>
"""


@pytest.fixture
def run(client: GitHub, state: State, started_by: StartedBy) -> Callable[[str], str]:
    """Run the workflow's command on a report of pull request 1; return the comment it wrote."""
    state.permissions = dict(NEEDED)
    head = state.pull(SHA)

    def write(report: str) -> str:
        state.artifacts.clear()
        started_by(state.run(head, report__iris=archive(report_md=report)))
        assert comment(client) == 0
        return state.bodies(1)[0]

    return write


def test_comment_posts_the_report_of_a_fork(run: Callable[[str], str], state: State) -> None:
    """The report of a fork's run is posted unchanged, under a link to the run."""
    body = run(REPORT)
    head, _, report = body.partition("\n\n")
    assert head == (f"{MARKER}**success** for {SHA[:12]}: "
                    "[the whole run](https://github.com/octo/models/actions/runs/7)")  # fmt: skip
    assert report == REPORT
    assert state.used == NEEDED


def test_comment_holds_nothing_active_of_a_report(run: Callable[[str], str]) -> None:
    """A report that mentions somebody notifies nobody."""
    assert "@octocat" not in run("@octocat")


def test_comment_replaces_its_own(run: Callable[[str], str], state: State) -> None:
    """The second run's report takes the place of the first's."""
    run("first")
    assert run("second").endswith("second")
    assert len(state.comments) == 1


def test_comment_leaves_another_persons_alone(run: Callable[[str], str], state: State) -> None:
    """Somebody who writes our marker gets no comment of theirs replaced."""
    theirs = state.say(1, f"{MARKER}mine", {"login": "stranger", "type": "User"})
    run("report")
    assert theirs["body"] == f"{MARKER}mine"
    assert len(state.bodies(1)) == 2


def test_comment_goes_where_the_commit_came_from(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """Of the pull requests whose branches share a name, only that of the run gets its report."""
    state.permissions = dict(NEEDED)
    state.pull("b" * 40)
    state.pull(SHA, owner="somebody-else")
    state.pull(SHA)["repo"]["id"] = 99  # another repository of the same owner
    head = state.pull(SHA)
    started_by(state.run(head, report__iris=archive(report_md="pull request: 1")))
    comment(client)
    assert [c["issue"] for c in state.comments] == [4]


def test_comment_keeps_quiet_when_the_pull_request_moved_on(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """A run of an older commit writes nothing over the report of a newer one."""
    state.permissions = dict(NEEDED)
    head = state.pull(SHA)
    started_by(state.run(dict(head, sha="b" * 40), report__iris=archive(report_md="old")))
    assert comment(client) == 0
    assert state.comments == []


def test_comment_keeps_quiet_when_the_fork_is_gone(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """A run whose repository was deleted belongs to no pull request."""
    state.permissions = dict(NEEDED)
    started_by(state.run({"sha": SHA, "ref": "patch-1", "repo": None}))
    assert comment(client) == 0
    assert state.comments == []


def test_comment_takes_back_a_report_that_no_longer_holds(
    run: Callable[[str], str], client: GitHub, state: State
) -> None:
    """A run that left no report replaces the comment of an earlier one."""
    run("first")
    state.artifacts.clear()
    assert comment(client) == 0
    assert state.bodies(1)[0].endswith(NO_REPORT)
    assert len(state.comments) == 1


def test_comment_says_nothing_without_a_report(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """A pull request that changes no model is not commented on."""
    state.permissions = dict(NEEDED)
    started_by(state.run(state.pull(SHA), log=b""))
    assert comment(client) == 0
    assert state.comments == []


def test_comment_takes_the_newest_report(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """A run that was started again left two reports; the later one counts."""
    state.permissions = dict(NEEDED)
    head = state.pull(SHA)
    state.run(head, report__iris=archive(report_md="first attempt"))
    started_by(state.run(head, report__iris=archive(report_md="second attempt")))
    state.run(head, report__iris=archive(report_md="expired"))
    state.artifacts[-1]["expired"] = True
    comment(client)
    assert state.bodies(1)[0].endswith("second attempt")


def test_comment_fits_where_the_report_does_not(run: Callable[[str], str]) -> None:
    """A report that is too long is cut at a line, and the comment says so first."""
    body = run("| a row |\n" * 10_000)
    assert LIMIT - 100 < len(body) <= LIMIT
    assert "longer than the 65,536 characters" in body.splitlines()[3]
    assert body.endswith("| a row |\n")


def zipped(name: str, content: bytes, mode: int = stat.S_IFREG) -> bytes:
    """Return an archive of one member."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as members:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        members.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip", "must be a zip"),
        (zipped("../report.md", b"x"), "must be a zip with report.md in it"),
        (zipped("/report.md", b"x"), "must be a zip with report.md in it"),
        (zipped("report.md", b"/etc/passwd", stat.S_IFLNK), "must be a file.*It is a link"),
        (zipped("report.md", b"0" * (run_results.TEXT_LIMIT + 1)), "must have at most"),
        (zipped("report.md", b"x" * 99)[:-30], "must be a zip"),
    ],
)
def test_text_refuses_what_is_no_report(content: bytes, words: str) -> None:
    """A bad zip, another name, a link and a bomb are each refused in words."""
    with pytest.raises(ShipError, match=words):
        text(content, MEMBER)


def test_text_reads_what_is_no_utf8() -> None:
    """Bytes of a report that are not UTF-8 are replaced."""
    assert text(zipped("report.md", b"caf\xe9"), MEMBER) == "caf\ufffd"


def test_comment_appears_while_other_models_run(
    client: GitHub, state: State, started_by: StartedBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows the run: reports come in, pages and digests are linked, and one comment stays.

    The names of jobs are those that GitHub gives to jobs of called workflows in a matrix.
    """
    state.permissions = dict(NEEDED)
    state.status = {"status": "in_progress", "conclusion": None}
    judging = [f"models / Make ({name}) / Train and judge {name}" for name in ("wine", "iris")]
    state.jobs = ["models / Plan which models have changed", *judging]
    event = state.run(state.pull(SHA))
    event["workflow_run"]["conclusion"] = None
    started_by({**event, "action": "in_progress"})
    digest = "sha256:" + "d" * 64
    steps: Iterator[Callable[[], Any]] = iter([
        lambda: None,
        lambda: state.upload("report-iris", archive(report_md="iris is fine")),
        lambda: state.upload("iris.html", b"<html>"),
        lambda: state.upload("tested-iris-amd64", archive(tested_json=f'{{"digest": "{digest}"}}')),
        lambda: state.upload("report-wine", archive(report_md="wine is worse")),
        lambda: state.status.update(status="completed", conclusion="failure"),
    ])  # fmt: skip
    seen: list[str] = []

    def go_on() -> None:
        next(steps)()

    state.goes_on = go_on
    monkeypatch.setattr("time.sleep", lambda _: seen.extend(state.bodies(1)[:1]))

    assert comment(client) == 0

    page = "[iris: the report's page](https://github.com/octo/models/actions/runs/7/artifacts/2)"
    assert "; still to be judged: wine\n\niris is fine" in seen[0]
    assert page in seen[1]
    assert f"image for amd64: `{digest}`" in seen[2]
    assert "still to be judged" not in seen[3]
    (last,) = state.bodies(1)
    assert last.startswith(f"{MARKER}**failure** for {SHA[:12]}: [the whole run](")
    assert last.index(page) < last.index(digest) < last.index("iris is fine") < last.index("wine")
    downloads = [path for _, path in state.requests if path.endswith("/zip")]
    assert len(downloads) == len(set(downloads))


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"digest": "`<b>`"}', '{"digest": 1}'])
def test_digest_of_a_stranger_is_one(record: str) -> None:
    """What is shown as an image's digest can be nothing else."""
    with pytest.raises(ShipError, match=r"tested\.json must name the digest"):
        run_results.digest_in(record)


def test_comment_gives_way_where_the_run_did(
    client: GitHub, state: State, started_by: StartedBy
) -> None:
    """A run that a newer commit cancelled writes nothing over what that one has to say."""
    state.permissions = dict(NEEDED)
    state.status = {"status": "completed", "conclusion": "cancelled"}
    started_by(state.run(state.pull(SHA), report__iris=archive(report_md="old")))
    assert comment(client) == 0
    assert state.comments == []
