"""How an image is run that may be anybody's: bounded, alone, and without a way out."""

from __future__ import annotations

from ship import command
from ship.errors import StageError

NETWORK = "model-images-confined"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
OPTIONS = ("--pull=never", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
           "--tmpfs=/tmp", "--memory=256m", "--memory-swap=256m", "--pids-limit=64", "--cpus=1",
           f"--network={NETWORK}")  # fmt: skip


def start(image: str, *options: str) -> str:
    """Run an image under the limits of its hosts, and return the container's id."""
    make_network()
    return command.run("docker", "run", "--detach", *OPTIONS, *options, image).strip()


def make_network() -> None:
    """Make a network that answers come out of, by a published port, and nothing else.

    An internal one would publish no port, and Docker Desktop reaches a container by nothing else.
    Without address translation no packet from in there finds its way back; nor do its containers
    hear of each other.
    """
    created = command.attempt("docker", "network", "create", f"--opt={MASQUERADE}=false",
                              "--opt=com.docker.network.bridge.enable_icc=false",
                              NETWORK)  # fmt: skip
    found = command.run("docker", "network", "inspect", NETWORK,
                        f'--format={{{{index .Options "{MASQUERADE}"}}}}').strip()  # fmt: skip
    if found != "false":
        raise StageError(
            f"The network {NETWORK} must be one without a way out. Got another instead "
            f"{created.stderr.strip()}; remove it: docker network rm {NETWORK}"
        )
