"""The order of a rollout, its undoing and its trial, on a cluster that keeps what it is given.

It stands in for kubectl's cluster, not for kubectl's rendering, which is real.
"""

from __future__ import annotations

import pytest

from ship.deploy.canary import Trial
from ship.deploy.engine_image import RunnableImage
from ship.deploy.history import Entry
from ship.deploy.settings import Settings
from ship.errors import StageError, UsageError
from tests.ship.deploy.kubernetes.cluster import Cluster, Growing

pytestmark = pytest.mark.engine  # kubectl comes with what `make test` installs
GATEWAY = "http://models.example.com"
SETTINGS = Settings(target="kubernetes", gateway=GATEWAY)


def image(digit: int) -> RunnableImage:
    """Return an image whose digest is made of one digit."""
    digest = f"sha256:{str(digit) * 64}"
    return RunnableImage("iris", digest, f"ghcr.io/owner/iris@{digest}")


ONE, TWO = image(1), image(2)


def fine(url: str) -> None:
    """Check nothing but the address: every example is answered as recorded."""
    assert url == f"{GATEWAY}/iris"


def lies(url: str) -> None:
    """Refuse the answers of whatever serves."""
    raise StageError(f"{url}/predict must answer golden example 0")


def serving(cluster: Cluster) -> str | None:
    """Return what serves, having seen that nothing else is left over."""
    assert [name for kind, name in cluster.objects if name.endswith("canary")] == []
    return cluster.serving("iris")


def test_roll_out_lets_the_image_serve() -> None:
    """A deployed model serves its digest, with everything around it."""
    cluster = Cluster(SETTINGS)
    cluster.roll_out(ONE, fine)
    assert serving(cluster) == ONE.digest
    assert ("NetworkPolicy", "iris-model") in cluster.objects


def test_image_that_is_never_ready_is_undone() -> None:
    """The previous digest goes on serving, and the error shows the new one's log."""
    cluster = Cluster(SETTINGS, broken={TWO.reference})
    cluster.roll_out(ONE, fine)
    with pytest.raises(StageError, match=r"does not become ready: .*BrokenBundle"):
        cluster.roll_out(TWO, fine)
    assert serving(cluster) == ONE.digest


def test_image_that_answers_otherwise_is_undone() -> None:
    """An image that is ready but answers golden examples wrongly at the gateway is undone."""
    cluster = Cluster(SETTINGS)
    cluster.roll_out(ONE, fine)
    with pytest.raises(StageError, match="golden example 0"):
        cluster.roll_out(TWO, lies)
    assert serving(cluster) == ONE.digest


def test_first_image_that_fails_leaves_nothing() -> None:
    """Where nothing served before, nothing is left of the attempt."""
    cluster = Cluster(SETTINGS, broken={ONE.reference})
    with pytest.raises(StageError, match="does not become ready"):
        cluster.roll_out(ONE, fine)
    assert cluster.objects == {}


def test_canary_gets_its_share_and_is_promoted() -> None:
    """The route gives the candidate its weight for a time, then all goes to the new image."""
    cluster = Cluster(SETTINGS, metrics=Growing(canary_errors=0))
    cluster.roll_out(ONE, fine)
    cluster.roll_out(TWO, fine, Trial(share=20, seconds=0.1))
    assert serving(cluster) == TWO.digest
    assert cluster.weights == [
        {"iris-model": 100},
        {"iris-model": 80, "iris-model-canary": 20},
        {"iris-model": 100},
    ]


def test_canary_that_fails_is_withdrawn() -> None:
    """A candidate that fails more often loses its share, and is gone."""
    cluster = Cluster(SETTINGS, metrics=Growing(canary_errors=50))
    cluster.roll_out(ONE, fine)
    with pytest.raises(StageError, match="withdrawn: it fails more often"):
        cluster.roll_out(TWO, fine, Trial(share=20, seconds=0.1))
    assert serving(cluster) == ONE.digest
    assert cluster.weights[-1] == {"iris-model": 100}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (Settings(target="kubernetes"), "GATEWAY must be the address"),
        (Settings(target="kubernetes", overlay="kserve"), "OVERLAY must be production or staging"),
        (Settings(overlay="prod", gateway=GATEWAY), "OVERLAY must be one of kserve, prod"),
    ],
)
def test_settings_that_cannot_deploy_change_nothing(settings: Settings, reason: str) -> None:
    """Without an address to ask, or with an overlay that is not for this, nothing is done."""
    cluster = Cluster(settings)
    with pytest.raises(UsageError, match=reason):
        cluster.roll_out(ONE, fine)
    assert cluster.objects == {}


def test_history_lies_in_the_namespace() -> None:
    """Entries are kept in a ConfigMap, in their order."""
    cluster = Cluster(SETTINGS)
    entries = [
        Entry(when="now", who="me", action="deploy", model="iris", digest=image.digest,
              previous=None, result="serving")
        for image in (ONE, TWO)
    ]  # fmt: skip
    for entry in entries:
        cluster.add(entry)
    assert cluster.entries() == entries
