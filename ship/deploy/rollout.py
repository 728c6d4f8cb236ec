"""Deploy to any target: verify the image, roll it out, check its answers, keep a record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ship.deploy import golden_check, history
from ship.deploy.age import ServingTarget, refuse_older, written
from ship.deploy.canary import Trial
from ship.deploy.engine_image import RunnableImage, fetch
from ship.deploy.history import Action, Entry, Result
from ship.errors import ShipError, StageError
from ship.registry.destination import Destination
from ship.supply_chain.verify import verify

AskExamples = Callable[[str], None]


class Stuck(StageError):  # noqa: N818 - what a deployment is then
    """A deployment failed, and undoing it failed too."""


class Target(ServingTarget, Protocol):
    """A place where models are deployed."""

    def roll_out(
        self, image: RunnableImage, ask_examples: AskExamples, trial: Trial | None = None
    ) -> None:
        """Make an image serve, or raise with the previous one serving.

        `ask_examples` is called with the address of the model. Raises Stuck where undoing failed.
        """


def resolve(source: Destination, tag: str) -> str:
    """Return the digest that a tag names now, or the digest itself.

    Raises StageError for no such tag.
    """
    digest = tag if tag.startswith("sha256:") else source.resolve(tag)
    if digest is None:
        raise StageError(f"{source}:{tag} must be published. It is not; see: make models")
    return digest


def deploy(
    target: Target, source: Destination, model: str, tag: str, *, older: bool = False
) -> None:
    """Make what `tag` names serve, or raise StageError with what serves unchanged.

    An image that is older than what serves is refused unless `older`.
    """
    Attempt(target, source, model, resolve(source, tag), "deploy", tag, older=older).run()


def canary(  # noqa: PLR0913 - a deploy, with a trial
    target: Target, source: Destination, model: str, tag: str, trial: Trial, *, older: bool = False
) -> None:
    """Make what `tag` names serve if it does well on a share of the requests.

    Raises StageError if it does not, and where no other image serves that it could be compared
    with.
    """
    digest, serving = resolve(source, tag), target.serving(model)
    if serving in (None, digest):
        raise StageError(f"{model} must serve another image than {digest} for a canary. "
                         f"Got {serving or 'none'}. Use: make deploy MODEL={model}")  # fmt: skip
    Attempt(target, source, model, digest, "canary", tag, trial, older=older).run()


def rollback(target: Target, source: Destination, model: str) -> None:
    """Return to what served before; raise StageError if nothing did."""
    served = history.stack(target.entries(), model)
    if len(served) < 2:
        raise StageError(f"{model} must have been deployed twice to be rolled back. "
                         "See: make history; or deploy a tag: make deploy TAG=…")  # fmt: skip
    now, before = served[-1], served[-2]
    print(f"{model}: back from {now.digest} to {before.digest}, "
          f"which {before.who} deployed at {before.when}", flush=True)  # fmt: skip
    Attempt(target, source, model, before.digest, "rollback", before.digest, older=True).run()


@dataclass(frozen=True)
class Attempt:
    """The attempt to make one image serve; it ends with an entry of the history."""

    target: Target
    source: Destination
    model: str
    digest: str
    action: Action
    tag: str  # what was asked for, which may be the digest itself
    trial: Trial | None = None
    older: bool = False

    def run(self) -> None:
        """Verify the image and roll it out; raise StageError if it does not come to serve."""
        end = self.begin()
        try:
            verified = verify(self.source, self.digest, self.model, self.tag)
            end = partial(end, verified=str(verified), created=written(verified.identity.created))
            if not self.older:
                refuse_older(self.target, self.source, self.model, verified)
            ask_examples = partial(golden_check.ask_examples, examples=verified.examples)
            image = fetch(self.source, self.model, self.digest)
        except (ShipError, OSError) as error:
            end("refused", reason=str(error))
            raise StageError(f"{self}: refused, and nothing was changed: {error}") from error
        print(f"{self.model}: verified {verified}", flush=True)
        try:
            self.target.roll_out(image, ask_examples, self.trial)
        except BaseException as error:
            reason = str(error) or type(error).__name__
            end("stuck" if isinstance(error, Stuck) else "undone", reason=reason)
            if not isinstance(error, ShipError):
                raise
            raise StageError(f"{self} does not serve, {self.outcome()}: {error}") from error
        end("serving")
        print(f"{self} serves and answered its golden examples", flush=True)

    def begin(self) -> Callable[..., None]:
        """Start the clock; return the function that ends the attempt by an entry in the history."""
        previous, when, started = self.target.serving(self.model), history.now(), time.monotonic()

        def end(result: Result, *, verified: str = "", reason: str = "", created: str = "") -> None:
            self.target.add(Entry(
                when=when, who=history.who(), action=self.action, model=self.model,
                digest=self.digest, previous=previous, result=result, verified=verified,
                reason=reason, seconds=round(time.monotonic() - started, 1), created=created,
            ))  # fmt: skip

        return end

    def outcome(self) -> str:
        """Return what serves after a failure, for a message."""
        serving = self.target.serving(self.model)
        return f"{serving} does" if serving else "nothing does, as before"

    def __str__(self) -> str:
        return f"{self.model}: {self.digest}"
