"""Whose keyless signature counts, asked of cosign itself with certificates like those of Fulcio."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ship import git
from ship.errors import UsageError
from ship.registry.remote import Registry
from ship.supply_chain import cosign, publisher
from ship.supply_chain.expected_identity import Wanted
from tests.support.checkouts.checkout import Checkout
from tests.support.images.oci_archives import MakeArchive

TOOL, CALLER = "octo/images", "acme/prices"
# Fulcio's, of a certificate
REPOSITORY, REF, ISSUED_BY = (f"1.3.6.1.4.1.57264.1.{number}" for number in (5, 6, 1))
LOCAL = ("--insecure-ignore-tlog=true", "--insecure-ignore-sct=true")  # no log has seen this CA
UNKNOWN = "none of the expected identities"
TAGS = "--new-bundle-format=false"  # a CA of one's own is asked for signatures under tags alone


@pytest.fixture
def tool(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A clone of the tool, at the second of its commits."""
    for name in ("COSIGN_PUBLIC_KEY", "COSIGN_IDENTITY", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    checkout.git("remote", "add", "origin", f"https://github.com/{TOOL}.git")
    checkout.commit(Dockerfile="one")
    checkout.commit(Dockerfile="two", model__iris__model_dot_toml="")
    monkeypatch.setattr(git, "TOOL", checkout.root)
    return checkout


@pytest.fixture
def shop(tool: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A repository of models that calls the tool."""
    (tmp_path / "shop").mkdir()
    shop = Checkout(tmp_path / "shop")
    shop.git("remote", "add", "origin", f"git@github.com:{CALLER}.git")
    shop.commit(model__wine__model_dot_toml="")
    monkeypatch.setenv("MODELS", str(shop.models))
    return shop


def signed(  # noqa: PLR0913 - an image, where to work, and what the certificate says
    repository: str, digest: str, folder: Path, *, workflow: str, caller: str, ref: str
) -> list[str]:
    """Sign an image with the certificate of a workflow's run; return the options of its CA."""

    def run(*command: str) -> None:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    def raw(text: str) -> str:
        return f"DER:{text.encode().hex()}"

    folder.mkdir()
    key = ("-newkey", "ed25519", "-nodes")
    run("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=here",
        "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    run("openssl", "req", "-new", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/")
    (folder / "extensions").write_text(
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"
        f"subjectAltName=critical,URI:https://github.com/{workflow}\n"
        f"{ISSUED_BY}={raw(cosign.ISSUER)}\n{REPOSITORY}={raw(caller)}\n{REF}={raw(ref)}\n"
    )
    run("openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-extfile", "extensions", "-out", "leaf.pem")  # fmt: skip
    run("cosign", "import-key-pair", "--key=leaf.key", "--output-key-prefix=leaf", "--yes")
    run("cosign", "sign", "--yes", "--tlog-upload=false", *cosign.without_log_service(),
        *as_tags("sign"),
        "--key=leaf.key", "--certificate=leaf.pem", "--certificate-chain=ca.pem",
        f"{repository}@{digest}")  # fmt: skip
    return [f"--ca-roots={folder / 'ca.pem'}", *LOCAL, *as_tags("verify")]


def as_tags(word: str) -> list[str]:
    """Return the option, where this cosign knows it and would do something else."""
    return [TAGS] if TAGS.partition("=")[0] in cosign.run(word, "--help").stdout else []


@pytest.fixture
def target(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An empty repository in a real registry; keys have no password."""
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    return Registry(f"{registry}/{tmp_path.name.lower()}/wine")


@pytest.mark.engine
def test_signature_counts_for_the_caller_that_it_names(
    shop: Checkout, tool: Checkout, target: Registry, make_archive: MakeArchive, tmp_path: Path
) -> None:
    """Another caller's is refused, another workflow's, and that of a commit not of the tool's.

    A commit of anybody's fork answers to the name of the repository that it was forked from.
    """
    ours, theirs = tool.git("rev-parse", "HEAD~1"), "0123456789" * 4
    workflow = f"{TOOL}/.github/workflows/publish.yml@{ours}"
    main = "refs/heads/main"
    runs = {
        "ours": (workflow, CALLER, "", main),
        "tag": (workflow, CALLER, "expected GitHub Workflow Ref not found", "refs/tags/v1.0.0"),
        "caller": (workflow, "acme/other", "expected GitHub Workflow Repository not found", main),
        "file": (workflow.replace("publish", "other"), CALLER, UNKNOWN, main),
        "fork": (workflow.replace(ours, theirs), CALLER, UNKNOWN, main),
    }
    for name, (signer, caller, fault, ref) in runs.items():
        image = make_archive(name)
        target.push(image)
        run = {"workflow": signer, "caller": caller, "ref": ref}
        trusted = signed(str(target), image.digest, tmp_path / name, **run)
        result = cosign.run("verify", *cosign.verifier(), *trusted, f"{target}@{image.digest}")
        assert result.succeeded == (not fault), result.stderr
        assert fault in result.stderr


def test_fork_counts_its_own_workflow(tool: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the models lie beside the tool, the one identity is that repository's publish.yml."""
    monkeypatch.setenv("MODELS", str(tool.models))
    option, expression = publisher.options()
    assert option == "--certificate-identity-regexp"
    address = r"https://github\.com/octo/images/\.github/workflows/publish\.yml"
    assert expression == f"^{address}@refs/heads/main$"
    _, expression = publisher.options(Wanted("iris", "1.2.3", "").releases)
    address = address.replace("publish", "release")
    assert expression == rf"^{address}@refs/tags/((iris-)?v1\.2\.3)$"
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/models")
    assert r"/owner/models/\.github/" in publisher.options()[1]


def test_reader_is_told_both_repositories(shop: Checkout) -> None:
    """A card names the tool's workflow and the caller, and no commit of its own."""
    command = cosign.verify_command("host/wine:1.0.0")
    assert "octo/images/\\.github/workflows/publish\\.yml@" in command
    assert f"--certificate-github-workflow-repository {CALLER} " in command
    assert publisher.COMMIT in command


def test_unknown_repository_is_an_error(shop: Checkout, tool: Checkout) -> None:
    """Where nobody says whose signature counts, none does."""
    tool.git("remote", "remove", "origin")
    with pytest.raises(UsageError, match="nor a checkout of the tool that came from GitHub"):
        publisher.options()
    shop.git("remote", "remove", "origin")
    with pytest.raises(UsageError, match="nor a checkout of the models that came from GitHub"):
        publisher.options()
