"""The rules that every workflow keeps, and that can be seen without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.spec.credentials import SECRETS
from ship import git

FOLDER = git.TOOL / ".github" / "workflows"
GRANT = re.compile(r"^ +[a-z-]+: (read|write)\b(?P<rest>.*)$", re.MULTILINE)
USES = re.compile(r"^ *(?:- )?uses: (?P<what>.+)$", re.MULTILINE)
PINNED = re.compile(r"\./\.github/workflows/[a-z]+\.yml|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
MAKING = ("model", "publish")  # the workflows that run a model's code
GATED = ("ci", "pipeline")  # those that end in one job that needs all others
RUNNING = {
    "train",
    "gate",
    "image",
    "measure",
    "smoke",
    "pipeline",
    "test",
    "test-all",
    "unit",
    "bench",
}
THE_PLANNED = re.compile(r"[a-z]+-@\(\$\{\{ join\(fromJSON\(needs\.[a-z.]+\), '\|'\) }}\)")
COMMITS = (
    "github.event.pull_request.head.sha",
    "github.sha",
    "inputs.commit",
    "needs.branch.outputs.commit",
)
COMMIT = re.compile(rf"\$\{{\{{ ({'|'.join(map(re.escape, COMMITS))}) }}}}")
TOOL = "${{ job.workflow_repository }}"
TOOLS_REF = (
    "${{{{ job.workflow_repository != github.repository && job.workflow_sha || {commit} }}}}"
)
# What another repository calls, whose models are in caller/, or what that calls.
CALLABLE = (
    "accept", "comment", "deploy", "model", "pipeline", "prune", "publish", "release", "renew",
    "rescan",
    "retrain",
)  # fmt: skip
DATA = re.compile(rf"secrets\.({'|'.join(SECRETS)})\b")
# The actions of third parties that others of theirs use in turn, looked up in each version.
NESTED = {
    "aquasecurity/trivy-action@ed142fd0673e97e23eac54620cfb913e5ce36c25": [
        "aquasecurity/setup-trivy@3fb12ec12f41e471780db15c232d5dd185dcb514"
    ]
}
ON_PULL_REQUESTS = "${{ github.event_name == 'pull_request' }}"


class Workflow:
    """One file, as text and as what it says."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.text = path.read_text()
        self.content: dict[Any, Any] = yaml.safe_load(self.text)

    @property
    def triggers(self) -> dict[str, Any]:
        """The events that start it, with their options."""
        events = self.content[True]  # YAML 1.1 takes the key `on` for a truth value
        return events if isinstance(events, dict) else {events: None}

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs by name."""
        return dict(self.content["jobs"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of all jobs."""
        return [step for job in self.jobs.values() for step in job.get("steps", [])]


WORKFLOWS = {path.stem: Workflow(path) for path in sorted(FOLDER.glob("*.yml"))}


@pytest.fixture(params=WORKFLOWS)
def workflow(request: pytest.FixtureRequest) -> Workflow:
    """Each workflow in turn."""
    return WORKFLOWS[request.param]


def concurrencies(workflow: Workflow) -> Iterator[dict[str, Any]]:
    """Yield what a workflow and its jobs say of concurrency."""
    for place in (workflow.content, *workflow.jobs.values()):
        if "concurrency" in place:
            yield place["concurrency"]


def test_workflow_begins_with_when_it_runs(workflow: Workflow) -> None:
    """The first line of a workflow says when it runs, and its name is the file's."""
    assert workflow.text.startswith("# Runs ")
    assert workflow.content["name"] == workflow.name


def test_workflow_is_short(workflow: Workflow) -> None:
    """A workflow has fewer than 150 lines; what is longer belongs in the Makefile."""
    assert len(workflow.text.splitlines()) < 150


def test_workflow_ends_where_any_command_of_a_pipe_fails(workflow: Workflow) -> None:
    """GitHub's default shell has no pipefail; `shell: bash` has."""
    if any("run" in step for step in workflow.steps):
        assert workflow.content["defaults"] == {"run": {"shell": "bash"}}


def test_workflow_sends_githubs_token_nowhere_as_a_password(workflow: Workflow) -> None:
    """Only `make login` decides to which registry the token goes."""
    values = [str(value) for step in workflow.steps for name, value in step.get("env", {}).items()
              if name.endswith("PASSWORD")]  # fmt: skip
    assert [value for value in values if "github.token" in value] == []


def test_workflow_keeps_what_is_large_for_a_day(workflow: Workflow) -> None:
    """Images and bundles are of use to their own run alone, and a private account has 500 MB."""
    uploads = [step["with"] for step in workflow.steps if "upload-artifact" in step.get("uses", "")]
    kinds = ("image-", "bundle-")
    large = [upload for upload in uploads if upload.get("name", "").startswith(kinds)]
    assert [upload["name"] for upload in large if upload.get("retention-days") != 1] == []


def test_workflow_grants_nothing_by_itself(workflow: Workflow) -> None:
    """Permissions are given to jobs alone, and every job says which it has."""
    assert workflow.content["permissions"] == {}
    assert [name for name, job in workflow.jobs.items() if "permissions" not in job] == []


def test_workflow_says_why_it_grants(workflow: Workflow) -> None:
    """Beside every permission stands what it is for."""
    grants = list(GRANT.finditer(workflow.text))
    total = sum(len(job["permissions"]) for job in workflow.jobs.values())
    assert len(grants) == total
    assert [grant[0].strip() for grant in grants if not re.match(" # .", grant["rest"])] == []


def test_workflow_pins_every_action_by_commit_with_its_version(workflow: Workflow) -> None:
    """An action is a commit; the comment says which release that is."""
    used = [match["what"] for match in USES.finditer(workflow.text)]
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_readme_lists_the_actions_of_third_parties() -> None:
    """An organisation that limits actions pastes one line, which names what the workflows use."""
    used = {
        match["what"].partition(" ")[0]
        for workflow in WORKFLOWS.values()
        for match in USES.finditer(workflow.text)
        if not match["what"].startswith(("./", "actions/", "github/"))
    }
    nested = {inner for action in used for inner in NESTED.get(action, [])}
    assert set(NESTED) <= used
    page = (FOLDER / "README.md").read_text()
    line = re.search(r"^```text\n(.+)\n```$", page, re.MULTILINE)
    assert line
    assert set(line[1].split(", ")) == used | nested
    rows = re.findall(r"^\| `([\w/-]+)` (v[\d.]+) \|", page, re.MULTILINE)
    versions = {match["what"] for workflow in WORKFLOWS.values()
                for match in USES.finditer(workflow.text)}  # fmt: skip
    for action in used:
        name, _, commit = action.partition("@")
        (version,) = {version for row, version in rows if row == name}
        assert f"{name}@{commit} # {version}" in versions


def test_no_label_starts_anything() -> None:
    """A label neither runs all again nor cancels what runs; accept-drop has lines written."""
    kinds = [trigger["types"] for workflow in WORKFLOWS.values()
             for trigger in [workflow.triggers.get("pull_request")] if trigger]  # fmt: skip
    assert kinds == [["labeled"]]
    assert WORKFLOWS["accept"].jobs["accept"]["if"] == "github.event.label.name == 'accept-drop'"


def test_what_a_repository_does_not_have_is_left_out() -> None:
    """Scorecard knows no fork; results that GitHub does not take fail no run."""
    assert "!github.event.repository.fork" in WORKFLOWS["scorecard"].jobs["score"]["if"]
    uploads = [step for workflow in WORKFLOWS.values() for step in workflow.steps
               if "/upload-sarif@" in step.get("uses", "")]  # fmt: skip
    assert len(uploads) == 3
    assert [step for step in uploads if step.get("continue-on-error") is not True] == []
    (analysis,) = (
        step for step in WORKFLOWS["codeql"].steps if "/analyze@" in step.get("uses", "")
    )
    assert analysis["with"]["upload"] == "never"


def test_job_that_signs_knows_how_it_may(workflow: Workflow) -> None:
    """A private repository's name gets into no public log, and its own key signs whatever is."""
    signing = [job for job in workflow.jobs.values()
               if job["permissions"].get("id-token") == "write" and "steps" in job]  # fmt: skip
    for job in signing:
        assert job["env"]["VISIBILITY"] == "${{ github.event.repository.visibility }}"
        assert "SIGNING" in job["env"]
        makes = [step for step in job["steps"] if step.get("run", "").startswith("make ")
                 and step["run"] != "make login"]  # fmt: skip
        assert makes
        keys = {"COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD"}
        assert [step for step in makes if not keys <= set(step.get("env", {}))] == []


def test_job_that_may_write_installs_no_tools_of_development() -> None:
    """Beside a token that publishes, only what publishing takes is installed."""
    makefile = (git.TOOL / "Makefile").read_text()
    needs = dict(re.findall(r"^([a-z-]+):([^#\n]*)##", makefile, re.MULTILINE))
    asked = {
        word
        for workflow in WORKFLOWS.values()
        for job in workflow.jobs.values()
        if writes(job)
        for command in commands(job)
        if "make" in command.split()
        for word in command.split()[1:]
    }
    assert {"push", "publish", "login"} <= asked
    installed = {need for word in asked for need in needs[word].split() if need.startswith(".")}
    assert installed == {".venv-publish"}


def test_workflow_calls_workflows_that_exist(workflow: Workflow) -> None:
    """A local call names a file here that can be called."""
    called = [job["uses"] for job in workflow.jobs.values() if "uses" in job]
    named = [WORKFLOWS[Path(path).stem] for path in called]
    assert [other.name for other in named if "workflow_call" not in other.triggers] == []


def test_workflow_leaves_no_token_in_a_checkout(workflow: Workflow) -> None:
    """Code that a later step runs finds no credentials in .git/config."""
    checkouts = [s for s in workflow.steps if s.get("uses", "").startswith("actions/checkout@")]
    kept = [step for step in checkouts if step["with"].get("persist-credentials") is not False]
    assert kept == []


def test_workflow_limits_the_time_of_every_job(workflow: Workflow) -> None:
    """A job that hangs ends before GitHub's six hours are over."""
    unlimited = [n for n, job in workflow.jobs.items() if "steps" in job and
                 not isinstance(job.get("timeout-minutes"), int)]  # fmt: skip
    assert unlimited == []


def test_workflow_names_its_machines(workflow: Workflow) -> None:
    """Runners are named by version, and a variable for one has such a default."""
    machines = [job["runs-on"] for job in workflow.jobs.values() if "steps" in job]
    assert "-latest" not in workflow.text
    assert [m for m in machines if not re.search(r"(^|')ubuntu-\d\d\.\d\d(-arm)?('|$)", m)
            and m != "${{ matrix.runner }}"] == []  # fmt: skip


def test_workflow_runs_once_at_a_time(workflow: Workflow) -> None:
    """What starts by itself has a group; only a pull request's run gives way to a newer one."""
    starts = set(workflow.triggers) - {"workflow_call"} or workflow.name == "pipeline"
    assert not starts or any(concurrencies(workflow))
    cancels = [group["cancel-in-progress"] for group in concurrencies(workflow)]
    pulled = "pull_request" in workflow.triggers or workflow.name == "pipeline"
    allowed = [False, ON_PULL_REQUESTS] if pulled else [False]
    assert [cancel for cancel in cancels if cancel not in allowed] == []


def test_workflow_keeps_long_commands_elsewhere(workflow: Workflow) -> None:
    """More than three lines of shell live where a laptop and the linters reach them."""
    commands = [step["run"].strip() for step in workflow.steps if "run" in step]
    assert [command for command in commands if len(command.splitlines()) > 3] == []


def test_workflow_puts_no_value_into_a_command(workflow: Workflow) -> None:
    """Values reach a shell through its environment, where they cannot become code."""
    commands = [step["run"] for step in workflow.steps if "run" in step]
    assert [command for command in commands if "${{" in command] == []


def test_workflow_shows_no_text_as_it_is(workflow: Workflow) -> None:
    """What a run shows, or tells later jobs, goes through what escapes and limits it."""
    commands = [step.get("run", "") for step in workflow.steps]
    assert [run for run in commands if "GITHUB_STEP_SUMMARY" in run or "GITHUB_OUTPUT" in run] == []


def test_workflow_hands_on_no_more_than_it_names(workflow: Workflow) -> None:
    """No called workflow inherits every secret."""
    assert [n for n, job in workflow.jobs.items() if job.get("secrets") == "inherit"] == []


def test_credentials_of_data_reach_the_steps_that_read_them_alone() -> None:
    """No other step, and no job or workflow as a whole, has what reads a model's rows."""
    secrets_of = {
        (workflow.name, step.get("run")): set(DATA.findall(str(step)))
        for workflow in WORKFLOWS.values()
        for step in workflow.steps
        if DATA.search(str(step))
    }
    assert set(secrets_of) == {("model", "make train gate"), ("renew", "make refresh")}
    (every,) = {frozenset(secrets) for secrets in secrets_of.values()}
    reading = [job for workflow in WORKFLOWS.values() for job in workflow.jobs.values()
               if any(DATA.search(str(step)) for step in job.get("steps", []))]  # fmt: skip
    assert [job["name"] for job in reading if writes(job)] == []
    outside = [{**job, "steps": [], "secrets": {}} for workflow in WORKFLOWS.values()
               for job in [workflow.content.get("env", {}), *workflow.jobs.values()]]  # fmt: skip
    assert DATA.search(str(outside)) is None
    handed = {
        (name, called(job)): set(DATA.findall(str(job["secrets"])))
        for name, workflow in WORKFLOWS.items()
        for job in workflow.jobs.values()
        if called(job) in {"pipeline", "renew", *MAKING}
    }
    assert {caller for caller, _ in handed} == {
        "ci", "pipeline", "publish", "renew", "retrain"
    }  # fmt: skip
    assert [secrets for secrets in handed.values() if secrets != every] == []
    assert {"DATABASE_URL", "GOOGLE_APPLICATION_CREDENTIALS"} < every


def test_workflow_gives_no_strangers_code_a_token(workflow: Workflow) -> None:
    """No workflow uses `pull_request_target`."""
    assert "pull_request_target" not in workflow.triggers


def test_workflow_writes_nothing_for_a_pull_request(workflow: Workflow) -> None:
    """Where a pull request starts it, what may write runs after a push alone.

    A caller must grant what any job of the workflow needs, so this is asked of the pipeline's own.
    """
    if "pull_request" not in workflow.triggers and workflow.name != "pipeline":
        return
    writing = [
        name
        for name, job in workflow.jobs.items()
        if set(scopes(job)) - {"security-events"}  # without which a fork's findings are not shown
        and not str(job.get("if", "")).startswith("github.event_name == 'push'")
        and called(job) != "pipeline"
    ]
    # What accepts a drop commits it to the pull request's own branch, once a label was set.
    assert writing == (["accept"] if workflow.name == "accept" else [])


def called(job: dict[str, Any]) -> str:
    """Return the name of the workflow that a job calls, "" if none."""
    return Path(job.get("uses", "")).stem


def commands(job: dict[str, Any]) -> list[str]:
    """Return the commands that a job runs."""
    return [step["run"] for step in job.get("steps", []) if "run" in step]


def writes(job: dict[str, Any]) -> set[str]:
    """Return what a job may write, scan results aside."""
    return set(scopes(job)) - {"security-events"}


def test_no_job_that_runs_a_models_code_may_write(workflow: Workflow) -> None:
    """Jobs that train, build, ask or test have no write permission but that of scan results."""
    running = [name for name, job in workflow.jobs.items() if writes(job)
               and any(set(command.split()) & RUNNING for command in commands(job))]  # fmt: skip
    assert running == []
    assert [name for name, job in workflow.jobs.items() if called(job) == "model" and writes(job)] \
        == []  # fmt: skip


def test_no_job_that_may_write_takes_what_lies_beside_an_artifact(workflow: Workflow) -> None:
    """Artifacts are named, or are those of the planned models: no name that another job chose."""
    for name, job in workflow.jobs.items():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/download-artifact@"):
                asked = step["with"]
                exact = "*" not in asked.get("name", "*")
                planned = THE_PLANNED.fullmatch(asked.get("pattern", ""))
                assert exact or planned, name


def test_no_job_that_may_write_restores_a_cache(workflow: Workflow) -> None:
    """Nothing that another run left gets near a token that publishes."""
    for name, job in workflow.jobs.items():
        if writes(job):
            used = [step.get("uses", "") for step in job.get("steps", [])]
            assert [action for action in used if "cache" in action] == [], name


def test_publishing_takes_the_digests_and_the_commit_that_were_tested() -> None:
    """One job publishes; it hears of images from the tests alone, and no caller can name others."""
    jobs = WORKFLOWS["publish"].jobs
    publish = jobs["publish"]
    assert publish["needs"] == "model"
    assert publish["env"]["DIGESTS"] == "${{ needs.model.outputs.digests }}"
    assert "digests" not in WORKFLOWS["publish"].triggers["workflow_call"]["inputs"]
    pushing = {name for name, workflow in WORKFLOWS.items() for job in workflow.jobs.values()
               if any(set(command.split()) & {"push", "publish"} and "make" in command.split()
                      for command in commands(job))}  # fmt: skip
    assert pushing == {"publish"}


@pytest.mark.parametrize("name", MAKING)
def test_model_is_made_and_published_from_a_commit(name: str) -> None:
    """Jobs check out the commit of the run, so that no branch that moves changes it."""
    checkouts = [s for s in WORKFLOWS[name].steps if "checkout@" in s.get("uses", "")]
    refs = {step["with"]["ref"] for step in checkouts}
    assert refs == {TOOLS_REF.format(commit="inputs.commit"), "${{ inputs.commit }}"}
    callers = [job for workflow in WORKFLOWS.values() for job in workflow.jobs.values()
               if called(job) == name]  # fmt: skip
    assert callers
    assert [job for job in callers if not COMMIT.fullmatch(job["with"]["commit"])] == []


def test_every_workflow_that_can_be_called_is_one_of_callable() -> None:
    """Another repository can call what the tool's own tests do not need for themselves."""
    called = {n for n, w in WORKFLOWS.items() if "workflow_call" in w.triggers}
    assert called == {*CALLABLE}


@pytest.mark.parametrize("name", CALLABLE)
def test_tool_is_checked_out_at_the_callers_own_pin(name: str) -> None:
    """What runs is the workflow's own repository, at its own commit; a caller's lies in caller/.

    Only where both are one repository is it the commit that the run is for.
    """
    for job in WORKFLOWS[name].jobs.values():
        used = [s for s in job.get("steps", []) if "checkout@" in s.get("uses", "")]
        for step in used:
            asked = step["with"]
            if "path" in asked:
                assert step["if"] == "startsWith(env.MODELS, 'caller/')"
                assert (asked["path"], asked.get("repository")) == ("caller", None)
            else:
                assert asked["repository"] == TOOL
                assert asked["ref"] in {TOOLS_REF.format(commit=commit) for commit in COMMITS}
        assert not used or "path" not in used[0]["with"]  # which would remove what is in caller/


def test_deploy_takes_the_tag_of_the_commit_that_was_published() -> None:
    """What a later push moved main to is not what that run tested; nor is a pull request's."""
    plan, deploy = (WORKFLOWS["deploy"].jobs[name] for name in ("plan", "deploy"))
    assert plan["steps"][-1]["env"]["COMMIT"] == "${{ github.event.workflow_run.head_sha }}"
    assert "github.event.workflow_run.event == 'push'" in plan["if"]
    assert deploy["steps"][-1]["env"]["TAG"] == "${{ needs.plan.outputs.tag }}"


def test_nothing_waits_for_a_deploy() -> None:
    """An environment's reviewers keep one run waiting, in a group of one model's deploys."""
    waiting = [(name, job["concurrency"]["group"]) for name, workflow in WORKFLOWS.items()
               for job in workflow.jobs.values() if "environment" in job]  # fmt: skip
    assert waiting == [("deploy", "deploy-${{ matrix.model }}")]
    assert [name for name, workflow in WORKFLOWS.items() for job in workflow.jobs.values()
            if called(job) == "deploy"] == []  # fmt: skip
    assert "concurrency" not in WORKFLOWS["deploy"].content


def test_workflow_hands_a_name_to_a_shell_by_its_environment(workflow: Workflow) -> None:
    """No git ref or input is a word of make: the variable of that name is set instead."""
    asked = [command for job in workflow.jobs.values() for command in commands(job)]
    assert [command for command in asked if re.search(r"\bmake\b.*[A-Z]+=", command)] == []


def scopes(job: dict[str, Any]) -> list[str]:
    """Return what a job may write."""
    return [scope for scope, level in job["permissions"].items() if level == "write"]


def test_workflow_silences_nothing_without_a_reason(workflow: Workflow) -> None:
    """A finding that does not hold here is silenced where it is, with the reason why."""
    silenced = re.findall(r"zizmor: ignore(\[[a-z-]+\] \w.*)?", workflow.text)
    assert all(silenced)


@pytest.mark.parametrize("name", ["release", "publish", "deploy"])
def test_releases_read_no_cache(name: str) -> None:
    """Nothing that another run has left gets into what is published."""
    assert "actions/cache" not in WORKFLOWS[name].text


@pytest.mark.parametrize("name", GATED)
def test_required_needs_every_job(name: str) -> None:
    """The job `required` needs every other job."""
    jobs = WORKFLOWS[name].jobs
    required = jobs.pop("required")
    assert set(required["needs"]) == set(jobs)
    assert required["if"] == "always()"


@pytest.mark.parametrize("name", GATED)
def test_required_names_jobs_that_may_be_skipped(name: str) -> None:
    """The jobs that may be skipped exist, and all others must succeed."""
    step = WORKFLOWS[name].jobs["required"]["steps"][-1]
    listed = re.sub(r"\$\{\{.*?&& '(.*?)' \|\| '(.*?)' }}", r"\1 \2", step["env"]["MAY_SKIP"])
    named = listed.split()
    assert named
    assert set(named) <= set(WORKFLOWS[name].jobs["required"]["needs"])
    assert {"plan", "tool"}.isdisjoint(named)
    if name == "ci":
        tested = "${{ needs.tool.outputs.tested == 'true' && 'check test remember' || '' }}"
        assert {"check", "test"}.isdisjoint(step["env"]["MAY_SKIP"].replace(tested, "").split())


def test_comment_runs_after_ci() -> None:
    """The comment follows the workflow that makes the report, by its name."""
    assert WORKFLOWS["comment"].triggers["workflow_run"]["workflows"] == [WORKFLOWS["ci"].name]


def first_column(heading: str) -> list[str]:
    """Return the names that begin a row of a table under a heading of the folder's README."""
    section = (
        (FOLDER / "README.md").read_text().partition(f"# {heading}\n")[2].partition("\n## ")[0]
    )
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return sorted(name for cell in cells for name in re.findall(r"`([\w-]+)`", cell))


def test_readme_tells_of_every_workflow() -> None:
    """Each file has its row, and no row tells of a file that is gone."""
    assert first_column("Workflows") == sorted(WORKFLOWS)


def test_readme_tells_of_every_setting() -> None:
    """Each variable and secret that a workflow reads has its row, and no other has."""
    texts = [workflow.text for workflow in WORKFLOWS.values()]
    read = {name for text in texts for name in re.findall(r"\b(?:vars|secrets)\.(\w+)", text)}
    assert first_column("Settings") == sorted(read)


def test_readme_tells_of_every_input() -> None:
    """What a caller may give to a workflow stands beside the variable that it replaces."""
    names = ("deploy", "pipeline", "prune", "release", "rescan", "retrain")
    calls = [WORKFLOWS[name].triggers["workflow_call"] for name in names]
    inputs = {name for call in calls for name in call.get("inputs", {})}
    settings = (FOLDER / "README.md").read_text().partition("# Settings\n")[2]
    cells = re.findall(r"^\| `[^|]+` \| (`[a-z][^|]*`) \|", settings, re.MULTILINE)
    listed = {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}
    of_one_run = {"folder", "models", "tag", "older", "days", "last"}
    assert listed == inputs - of_one_run


def test_readme_tells_of_what_jobs_hand_on() -> None:
    """Each variable of that table is one that a workflow sets for a command."""
    texts = "".join(workflow.text for workflow in WORKFLOWS.values())
    rows = first_column("What jobs hand on")
    assert {"DIGESTS", "REPORTS_DIGEST"} <= set(rows)
    assert [name for name in rows if not re.search(rf"[ {{]{name}: ", texts)] == []


def test_nothing_is_published_before_its_tests() -> None:
    """Main waits for the tests of a working day, and the night runs every test there is."""
    assert "test" in WORKFLOWS["ci"].jobs["publish"]["needs"]
    assert {"run": "make test-all"} in WORKFLOWS["nightly"].steps


def test_release_builds_nothing() -> None:
    """A release gives what main has tested new tags: each model whole, each tag in a group."""
    release = WORKFLOWS["release"]
    assert [job for job in release.jobs.values() if called(job)] == []
    words = [command for job in release.jobs.values() for command in commands(job)]
    assert [word for word in words if word.startswith("make ")] == [
        "make login", "make plan", "make login", "make promote"
    ]  # fmt: skip
    assert release.jobs["promote"]["strategy"]["fail-fast"] is False
    assert "group: release-${{ github.ref }} " in release.text
