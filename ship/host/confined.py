"""Run an image that anybody may have made: within limits, alone, and without a way out."""

from __future__ import annotations

from ship import command
from ship.errors import StageError

NETWORK = "model-images-confined"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
# Of a hardened host, on which every image must serve: its tests allow it no more than this.
LIMITS = ("--pull=never", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
          "--memory=256m", "--memory-swap=256m", "--pids-limit=64")  # fmt: skip
OPTIONS = (*LIMITS, "--tmpfs=/tmp", "--cpus=1")


def start(image: str, *options: str) -> str:
    """Start an image within the limits of its hosts, and return the container's id."""
    make_network()
    network = f"--network={NETWORK}"
    return command.run("docker", "run", "--detach", *OPTIONS, network, *options, image).strip()


def ask(image: str, *arguments: str, stdin: str) -> command.Result:
    """Run a command of an image to its end, within the same limits and without any network."""
    return command.attempt("docker", "run", "--rm", "--interactive", *OPTIONS, "--network=none",
                           image, *arguments, stdin=stdin)  # fmt: skip


def make_network() -> None:
    """Make a network in which containers answer through a published port and reach nothing.

    An internal network would publish no port, and Docker Desktop reaches containers by ports only.
    Without address translation no answer to a packet from inside comes back; nor can its containers
    reach each other. Raises StageError where the network is another.
    """
    created = command.attempt("docker", "network", "create", f"--opt={MASQUERADE}=false",
                              "--opt=com.docker.network.bridge.enable_icc=false",
                              NETWORK)  # fmt: skip
    masquerades = command.run("docker", "network", "inspect", NETWORK,
                        f'--format={{{{index .Options "{MASQUERADE}"}}}}').strip()  # fmt: skip
    if masquerades != "false":
        raise StageError(
            f"The network {NETWORK} must be one without a way out. Got another instead "
            f"{created.stderr.strip()}; remove it: docker network rm {NETWORK}"
        )
