"""What git knows about a checkout: the tool's, or the one that holds the models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ship.command import Result, attempt
from ship.errors import ShipError

TOOL = Path(__file__).resolve().parents[1]  # the root of the checkout that this program is in
# Git sets these for hooks, where they would point it at the wrong one of two repositories.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class Commit(NamedTuple):
    """A commit: its full sha, and its date in seconds since 1970."""

    sha: str
    epoch: int


def git(*arguments: str | Path, root: Path) -> str:
    """Return what git prints in the checkout that holds `root`; raise ShipError where it fails."""
    result = run(*arguments, root=root)
    if not result.succeeded:
        raise ShipError(
            f"{root} must be a git checkout with at least one commit. "
            f"Got instead from git {arguments[0]}: {result.reason}"
        )
    return os.fsdecode(result.content).strip()


def run(*arguments: str | Path, root: Path) -> Result:
    """Run git in the checkout that holds `root`."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    return attempt("git", *arguments, folder=root, environment=environment)


def top(root: Path) -> Path:
    """Return the outermost folder of the checkout that holds `root`."""
    return Path(git("rev-parse", "--show-toplevel", root=root))


def files(*paths: str | Path, root: Path) -> list[Path]:
    """Return the files and links under `paths` that git tracks or would add, that exist, sorted.

    `root` is the folder that relative paths start from, here and below; it may lie in a checkout.
    """
    options = ("-z", "--cached", "--others", "--exclude-standard", "--")
    names = set(git("ls-files", *options, *paths, root=root).split("\0")) - {""}
    return sorted(file for name in names if os.path.lexists(file := root / name))


def last_commit(*paths: str | Path, root: Path) -> Commit:
    """Return the last commit that touched `paths`, or HEAD where none did yet."""
    printed = git("log", "-1", "--format=%H %ct", "--", *paths, root=root)
    sha, epoch = (printed or git("log", "-1", "--format=%H %ct", root=root)).split()
    return Commit(sha, int(epoch))


def is_dirty(*paths: str | Path, root: Path) -> bool:
    """Return whether `paths` (or everything) hold changes that are not committed."""
    return bool(git("status", "--porcelain", "--", *paths, root=root))


def ignores(path: Path) -> bool:
    """Return whether git leaves a file or folder out that it does not track already."""
    return run("check-ignore", "--quiet", path, root=path.parent).succeeded


def user(root: Path) -> str:
    """Return the name that commits would bear here, "" where none is set."""
    result = run("config", "user.name", root=root)
    return os.fsdecode(result.content).strip() if result.succeeded else ""


def branch(root: Path) -> str | None:
    """Return the branch that is checked out; None on a detached HEAD, as on a tag."""
    return git("branch", "--show-current", root=root) or None


def is_branch_with_head(name: str, root: Path) -> bool:
    """Return whether `name` is a branch, here or at the origin, that holds what is checked out."""
    # origin/HEAD only names a branch: with %(symref) its line equals none of the known ones.
    refs = git("for-each-ref", "--format=%(refname)%(symref)", "--contains=HEAD", root=root)
    known = {f"refs/heads/{name}", f"refs/remotes/origin/{name}"}
    return not known.isdisjoint(refs.splitlines())


def tags(*arguments: str, root: Path) -> list[str]:
    """Return the tags that `git tag --list` prints with these arguments."""
    return git("tag", "--list", *arguments, root=root).splitlines()


def knows(commit: str, root: Path) -> bool:
    """Return whether this checkout holds a commit; a shallow one lacks most."""
    return run("cat-file", "-e", f"{commit}^{{commit}}", root=root).returncode == 0


def differ(a: str, b: str, *paths: str | Path, root: Path) -> bool:
    """Return whether two commits hold different things under `paths`."""
    return run("diff", "--quiet", a, b, "--", *paths, root=root).returncode == 1


def is_shallow(root: Path) -> bool:
    """Return whether the clone lacks a part of its history."""
    return git("rev-parse", "--is-shallow-repository", root=root) == "true"


def origin(root: Path) -> str | None:
    """Return the web address of the repository, where its remote has one."""
    remotes = git("remote", root=root).splitlines()
    if "origin" not in remotes:
        return None
    url = git("remote", "get-url", "origin", root=root).removesuffix(".git")
    if url.startswith("git@"):
        host, _, path = url.removeprefix("git@").partition(":")
        url = f"https://{host}/{path}"
    return url if url.startswith("https://") and "@" not in url else None
