"""Whose keyless signature counts: that of the workflow that publishes, for main of the models.

What a version names is another question, and the workflow that releases, at the version's git tag,
answers it. It says so beside main's signature, never in its place: a tag gets nobody past review.

Where the models lie in the tool's own repository, the workflow is that repository's. Where another
repository calls the tool's workflows, the certificate names both: as its subject the workflow
(`job_workflow_ref` of GitHub's OIDC token), at the commit or tag at which it was called; and the
caller in an extension of its own (1.3.6.1.4.1.57264.1.5 of Fulcio's documentation of its OIDs).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from contract import models
from ship import git
from ship.errors import UsageError

GITHUB = "https://github.com/"
MAIN = "refs/heads/main"
COMMIT = "[0-9a-f]{40}"
HISTORY = 2000  # commits of the tool, the newest, that a caller may have named
UNKNOWN = (
    "Whose signature counts must be known. Got neither COSIGN_PUBLIC_KEY=file, nor "
    "COSIGN_IDENTITY=regular expression, nor {0} that came from GitHub; set one."
)


def options(released: str = "") -> list[str]:
    """Return cosign's options for it, or for who releases the git tags that `released` matches.

    Of the tool's commits only those in the history of this checkout count: a commit of anybody's
    fork can be called under the name of the repository it was forked from. Raises UsageError where
    a repository is unknown.
    """
    commits = git.git("rev-list", f"--max-count={HISTORY}", "HEAD", root=git.TOOL).split()
    return named("|".join(commits), released)


def for_a_reader(released: str = "") -> list[str]:
    """Return the options as a person may read them, with any commit of the tool."""
    return named(COMMIT, released)


def named(commits: str, released: str) -> list[str]:
    """Return the options, where the tool was called at one of `commits`, a regular expression."""
    caller, tool = repositories()
    workflow = "release" if released else "publish"
    if caller == tool:
        return identity(caller, workflow, rf"refs/tags/({released})" if released else MAIN)
    at = [] if released else ["--certificate-github-workflow-ref", MAIN]  # of the caller
    return [*identity(tool, workflow, rf"({MAIN}|refs/tags/v.+|{commits})"),
            "--certificate-github-workflow-repository", caller, *at]  # fmt: skip


def for_github() -> list[str]:
    """Return the options of `gh attestation verify` for the same."""
    caller, tool = repositories()
    return ["--repo", caller, *([] if caller == tool else ["--signer-repo", tool])]


def repositories() -> tuple[str, str]:
    """Return the OWNER/NAME of the models' repository, and of the tool's, which may be the same.

    Raises UsageError where one is unknown.
    """
    caller = repository(
        models.root(), "a checkout of the models", os.environ.get("GITHUB_REPOSITORY")
    )
    if git.top(models.root()) == git.top(git.TOOL):
        return caller, caller
    return caller, repository(git.TOOL, "a checkout of the tool")


def identity(name: str, workflow: str, ref: str) -> list[str]:
    """Return the option for a workflow of a repository at a ref, as a regular expression."""
    address = f"{GITHUB}{name}/.github/workflows/{workflow}.yml@"
    return ["--certificate-identity-regexp", f"^{re.escape(address)}{ref}$"]


def repository(root: Path, what: str, known: str | None = None) -> str:
    """Return the OWNER/NAME of a checkout; raise UsageError where it is not one of GitHub's."""
    address = git.origin(root) or ""
    if not known and not address.startswith(GITHUB):
        raise UsageError(UNKNOWN.format(what))
    return known or address.removeprefix(GITHUB)
