"""A server that stands for api.github.com: as much of it as the workflows use, with state.

It checks the token and what it may do, pages its lists, and keeps artifacts in a storage of its own
address that refuses requests with a token, as GitHub's does.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

BOT = {"login": "github-actions[bot]", "type": "Bot"}
REPOSITORY, TOKEN = "octo/models", "token-of-the-job"
READ = {"read", "write"}
Json = Any


def archive(**files: str) -> bytes:
    """Return a zip; `_` in a name stands for the dot of its suffix."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as members:
        for name, content in files.items():
            members.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


@dataclass
class State:
    """What GitHub knows, and what the token may do: the permissions of the job it belongs to."""

    permissions: dict[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    pulls: list[Json] = field(default_factory=list)
    issues: list[Json] = field(default_factory=list)
    may_propose: bool = True  # whether workflows may open pull requests, which is off at first
    has_issues: bool = True  # a fork has none until somebody switches them on
    comments: list[Json] = field(default_factory=list)
    artifacts: list[Json] = field(default_factory=list)
    releases: list[Json] = field(default_factory=list)
    runs: list[Json] = field(default_factory=list)
    started: list[tuple[str, str]] = field(default_factory=list)  # workflow and branch
    stored: dict[str, bytes] = field(default_factory=dict)
    owner: str = "Organization"  # or User
    status: Json = field(default_factory=lambda: {"status": "completed", "conclusion": "success"})
    jobs: list[str] = field(default_factory=list)  # their names, of the run
    goes_on: Callable[[], None] = lambda: None  # what happens whenever somebody asks for the run
    packages: dict[str, list[Json]] = field(default_factory=dict)
    deleted: Callable[[str], None] = lambda _: None  # told the digest of a deleted version
    url: str = ""
    storage: str = ""

    def run(self, head: Json, **artifacts: bytes) -> Json:
        """Have a finished run of a pull request's head; return the event that tells of it.

        `__` in the name of an artifact stands for a hyphen.
        """
        for name, content in artifacts.items():
            self.upload(name.replace("__", "-"), content)
        return {
            "action": "completed",
            "workflow_run": {
                "id": 7,
                "event": "pull_request",
                "conclusion": "success",
                "html_url": f"https://github.com/{REPOSITORY}/actions/runs/7",
                "head_sha": head["sha"],
                "head_branch": head["ref"],
                "head_repository": head["repo"],
                "pull_requests": [],
            },
        }

    def upload(self, name: str, content: bytes) -> None:
        """Keep an artifact of the run."""
        number = len(self.artifacts) + 1
        self.artifacts.append({"id": number, "name": name, "expired": False, "run": 7})
        self.stored[f"/{number}"] = content

    def pull(self, sha: str, owner: str = "stranger", branch: str = "patch-1") -> Json:
        """Open a pull request; return its head."""
        repository = {"id": len(owner), "owner": {"login": owner}, "full_name": f"{owner}/models"}
        head = {"sha": sha, "ref": branch, "repo": repository}
        number = len(self.pulls) + 1
        self.pulls.append({"number": number, "state": "open", "head": head, "merged_at": None})
        return head

    def say(self, number: int, body: str, user: Json = BOT) -> Json:
        """Add a comment to an issue or pull request."""
        comment = {"id": len(self.comments) + 1, "issue": number, "body": body, "user": user}
        self.comments.append(comment)
        return comment

    def version(self, package: str, digest: str, created: str, *tags: str) -> None:
        """Add a version to a package."""
        versions = self.packages.setdefault(package, [])
        versions.append({"id": len(versions) + 1, "name": digest, "created_at": created,
                      "metadata": {"container": {"tags": list(tags)}}})  # fmt: skip

    def bodies(self, number: int) -> list[str]:
        """Return the comments of an issue or pull request."""
        return [comment["body"] for comment in self.comments if comment["issue"] == number]


class NotFound(Exception):  # noqa: N818 - an answer
    """What GitHub says of everything that is not there."""


class Api(BaseHTTPRequestHandler):
    """The routes, each with the permission that GitHub's documentation says it needs."""

    state: State
    ROUTES: ClassVar = (
        ("GET", r"pulls", "pull-requests", "read", "pulls"),
        ("POST", r"pulls", "pull-requests", "write", "add_pull"),
        ("PATCH", r"pulls/(\d+)", "pull-requests", "write", "edit_pull"),
        ("GET", r"actions/runs/(\d+)", "actions", "read", "workflow_run"),
        ("GET", r"actions/runs/(\d+)/jobs", "actions", "read", "jobs"),
        ("GET", r"actions/runs/(\d+)/artifacts", "actions", "read", "artifacts"),
        ("GET", r"actions/artifacts", "actions", "read", "all_artifacts"),
        ("GET", r"actions/artifacts/(\d+)/zip", "actions", "read", "download"),
        ("GET", r"issues/(\d+)/comments", "pull-requests|issues", "read", "comments"),
        ("POST", r"issues/(\d+)/comments", "pull-requests|issues", "write", "add_comment"),
        ("PATCH", r"issues/comments/(\d+)", "pull-requests|issues", "write", "edit_comment"),
        ("GET", r"issues", "issues", "read", "list_issues"),
        ("POST", r"issues", "issues", "write", "add_issue"),
        ("PATCH", r"issues/(\d+)", "issues", "write", "edit_issue"),
        ("GET", r"actions/runs", "actions", "read", "list_runs"),
        ("POST", r"actions/workflows/([\w.]+)/dispatches", "actions", "write", "dispatch"),
        ("GET", r"releases", "contents", "read", "list_releases"),
        ("DELETE", r"releases/(\d+)", "contents", "write", "delete_release"),
        ("GET", r"/users/([^/]+)", "", "", "user"),
        ("GET", r"/(orgs|users)/[^/]+/packages/container/([^/]+)/versions", "packages", "read",
         "versions"),
        ("GET", r"/(orgs|users)/[^/]+/packages/container/([^/]+)/versions/(\d+)", "packages",
         "read", "version"),
        ("DELETE", r"/(orgs|users)/[^/]+/packages/container/([^/]+)/versions/(\d+)", "packages",
         "write", "delete_version"),
    )  # fmt: skip

    def answer(self) -> None:
        """Answer by the first route of ROUTES that fits, or with a 404."""
        path = urlsplit(self.path).path
        self.parameters = dict(parse_qsl(urlsplit(self.path).query))
        self.state.requests.append((self.command, path))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.reply(401, {"message": "Bad credentials"})
            return
        own = path.removeprefix(f"/repos/{REPOSITORY}/")
        for method, route, scopes, level, name in self.ROUTES:
            matched = re.fullmatch(route, own)
            if matched and method == self.command:
                self.serve(scopes, level, name, [unquote(part or "") for part in matched.groups()])
                return
        self.reply(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

    def serve(self, scopes: str, level: str, name: str, parts: list[str]) -> None:
        """Answer by the method of a route, if the token's permissions allow it."""
        if scopes and not self.may(scopes.split("|"), level):
            self.reply(403, {"message": "Resource not accessible by integration"})
            return
        try:
            status, body = getattr(self, name)(*parts)
        except NotFound:
            status, body = 404, {"message": "Not Found"}
        if isinstance(body, list) and self.command == "GET":
            self.page(body)
        elif status == 302:
            self.reply(status, None, {"Location": body})
        else:
            self.reply(status, body)

    def may(self, scopes: list[str], level: str) -> bool:
        """Return whether one of the scopes is granted, and note how it was used."""
        accepted = READ if level == "read" else {"write"}
        granted = [s for s in scopes if self.state.permissions.get(s) in accepted]
        for scope in granted:
            if self.state.used.get(scope) != "write":
                self.state.used[scope] = level
        return bool(granted)

    def page(self, items: list[Json]) -> None:
        """Send one page of a list, with the address of the next."""
        size, number = int(self.parameters.get("per_page", 30)), int(self.parameters.get("page", 1))
        shown, rest = items[(number - 1) * size : number * size], items[number * size :]
        address = f"{self.state.url}{urlsplit(self.path).path}"
        query = urlencode({**self.parameters, "per_page": size, "page": number + 1})
        link = {"Link": f'<{address}?{query}>; rel="next"'} if rest else {}
        self.reply(200, shown, link)

    def reply(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        """Send a status and JSON."""
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Say nothing; what was asked is in the state."""

    def sent(self) -> Json:
        """Return the JSON that was sent."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def pulls(self) -> tuple[int, Json]:
        """List pull requests by state and head."""
        owner, _, branch = self.parameters["head"].partition(":")
        return 200, [
            pull for pull in self.state.pulls
            if pull["state"] == self.parameters["state"] and pull["head"]["ref"] == branch
            and (pull["head"]["repo"] or {}).get("owner") == {"login": owner}
        ]  # fmt: skip

    def workflow_run(self, run: str) -> tuple[int, Json]:
        """Get a run, which may go on meanwhile."""
        self.state.goes_on()
        return 200, {"id": int(run), **self.state.status}

    def jobs(self, run: str) -> tuple[int, Json]:
        """List the jobs of a run."""
        jobs = [{"id": number, "run_id": int(run), "name": name}
                for number, name in enumerate(self.state.jobs)]  # fmt: skip
        return 200, {"total_count": len(jobs), "jobs": jobs}

    def artifacts(self, run: str) -> tuple[int, Json]:
        """List the artifacts of a run, those of a name where one is asked for."""
        named = self.parameters.get("name")
        matching = [a for a in self.state.artifacts
                    if a["run"] == int(run) and named in (None, a["name"])]  # fmt: skip
        return 200, {"total_count": len(matching), "artifacts": matching}

    def all_artifacts(self) -> tuple[int, Json]:
        """List the artifacts of all runs that have a name."""
        matching = [a for a in self.state.artifacts if a["name"] == self.parameters["name"]]
        return 200, {"total_count": len(matching), "artifacts": matching}

    def download(self, number: str) -> tuple[int, Json]:
        """Redirect to the storage of an artifact."""
        return 302, f"{self.state.storage}/{number}"

    def add_pull(self) -> tuple[int, Json]:
        """Create a pull request; a workflow's own token may where the repository lets it."""
        if not self.state.may_propose:
            return 403, {
                "message": "GitHub Actions is not permitted to create or approve pull requests."
            }
        sent, owner = self.sent(), REPOSITORY.partition("/")[0]
        head = {"ref": sent["head"], "repo": {"owner": {"login": owner}, "full_name": REPOSITORY}}
        number = len(self.state.pulls) + 1
        self.state.pulls.append({"number": number, "state": "open", **sent, "head": head})
        return 201, self.state.pulls[-1]

    def edit_pull(self, number: str) -> tuple[int, Json]:
        """Update a pull request."""
        pull = self.state.pulls[int(number) - 1]
        pull.update(self.sent())
        return 200, pull

    def comments(self, number: str) -> tuple[int, Json]:
        """List the comments of an issue or pull request."""
        return 200, [c for c in self.state.comments if c["issue"] == int(number)]

    def add_comment(self, number: str) -> tuple[int, Json]:
        """Create a comment of at most 65,536 characters."""
        body = self.sent()["body"]
        if len(body) > 65_536:
            return 422, {"message": "Validation Failed: body is too long"}
        return 201, self.state.say(int(number), body)

    def edit_comment(self, number: str) -> tuple[int, Json]:
        """Update a comment."""
        comment = next(c for c in self.state.comments if c["id"] == int(number))
        comment.update(self.sent())
        return 200, comment

    def list_issues(self) -> tuple[int, Json]:
        """List issues by state."""
        return 200, [i for i in self.state.issues if i["state"] == self.parameters["state"]]

    def add_issue(self) -> tuple[int, Json]:
        """Create an issue; 410 where they are off: docs.github.com/en/rest/issues/issues."""
        if not self.state.has_issues:
            return 410, {"message": "Issues has been disabled in this repository."}
        number = len(self.state.issues) + 1
        issue = {"number": number, "state": "open", "user": BOT, **self.sent()}
        self.state.issues.append(issue)
        return 201, issue

    def edit_issue(self, number: str) -> tuple[int, Json]:
        """Update an issue."""
        issue = self.state.issues[int(number) - 1]
        issue.update(self.sent())
        return 200, issue

    def list_runs(self) -> tuple[int, Json]:
        """List the runs of a commit."""
        sha = self.parameters["head_sha"]
        runs = [run for run in self.state.runs if run["head_sha"] == sha]
        return 200, {"total_count": len(runs), "workflow_runs": runs}

    def dispatch(self, workflow: str) -> tuple[int, Json]:
        """Start a workflow on a branch."""
        self.state.started.append((workflow, self.sent()["ref"]))
        return 204, None

    def list_releases(self) -> tuple[int, Json]:
        """List releases; drafts too, for who may write."""
        return 200, list(self.state.releases)

    def delete_release(self, number: str) -> tuple[int, Json]:
        """Delete a release."""
        self.state.releases = [r for r in self.state.releases if r["id"] != int(number)]
        return 204, None

    def user(self, login: str) -> tuple[int, Json]:
        """Get a user, or the organization of that name."""
        return 200, {"login": login, "type": self.state.owner}

    def package(self, kind: str, name: str) -> list[Json]:
        """Return the versions of a package; raise NotFound for one of another kind of owner."""
        if name not in self.state.packages or (kind == "orgs") != (
            self.state.owner == "Organization"
        ):
            raise NotFound
        return self.state.packages[name]

    def versions(self, kind: str, name: str) -> tuple[int, Json]:
        """List the versions of a package."""
        return 200, self.package(kind, name)

    def version(self, kind: str, name: str, number: str) -> tuple[int, Json]:
        """Get a version of a package."""
        for version in self.package(kind, name):
            if version["id"] == int(number):
                return 200, version
        raise NotFound

    def delete_version(self, kind: str, name: str, number: str) -> tuple[int, Json]:
        """Delete a version of a package, unless too many have downloaded it."""
        _, version = self.version(kind, name, number)
        if version.get("downloads", 0) > 5000:
            return 400, {"message": "Publicly visible package versions with more than 5000 "
                                    "downloads cannot be deleted."}  # fmt: skip
        self.package(kind, name).remove(version)
        self.state.deleted(version["name"])
        return 204, None


class Storage(BaseHTTPRequestHandler):
    """Where artifacts lie: their address is the permission, and a token beside it is refused."""

    state: State

    def do_GET(self) -> None:
        """Send an artifact to whoever shows no token, as the real storage does."""
        content = self.state.stored.get(self.path)
        refused = content is None or "Authorization" in self.headers
        self.send_response(400 if refused else 200)
        self.end_headers()
        self.wfile.write(b"" if refused or content is None else content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], state: State) -> Iterator[str]:
    """Yield the address of a server that answers with this handler."""
    bound = type(handler.__name__, (handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def github() -> Iterator[State]:
    """Have both servers, and what they know."""
    state = State()
    with serving(Api, state) as state.url, serving(Storage, state) as state.storage:
        yield state
