"""Real servers for the tests, each a child process on a free port with a folder of its own."""

import contextlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import randbelow
from time import monotonic as _monotonic
from typing import Any, Protocol

READY_WITHIN_S = 20.0


# Below what systems give to connections that go out: such a one could take a port that a program
# of a test is going to listen on.
PORT_MIN, PORT_MAX = 20_000, 32_000


def free_port() -> int:
    """A TCP port that nobody listens on, and that no other test is likely to take meanwhile."""
    while True:
        port = PORT_MIN + randbelow(PORT_MAX - PORT_MIN)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process(Protocol):
    """What is waited for: `subprocess.Popen`, or what behaves like it."""

    args: Any

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""


def wait_for_port(port: int, process: Process, within_s: float = READY_WITHIN_S) -> None:
    """Return when something accepts connections on `port`; raise when the process died first."""
    until = _monotonic() + within_s
    while process.poll() is None and _monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
    raise RuntimeError(f"{process.args!r} did not listen on port {port}")


def program(name: str) -> str:
    """The path of an installed program; Debian keeps some in /usr/sbin."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name} is missing: run the tests by `make test`, which installs it")
    return found


class Mosquitto:
    """A mosquitto with persistence whose queues are large enough for a burst."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nuser root\n"
            "max_queued_messages 1000000\nmax_inflight_messages 1000\nset_tcp_nodelay true\n"
            f"log_dest file {folder}/mosquitto.log\n{settings}"
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What HUB_BROKER says for this broker."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again on the same port with what it kept."""
        self.process = subprocess.Popen([program("mosquitto"), "-c", str(self.config)])
        wait_for_port(self.port, self.process)

    def stop(self, sign: int = signal.SIGTERM) -> None:
        """End it; SIGTERM lets it save its sessions first."""
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def mosquitto(folder: Path, settings: str = "") -> Iterator[Mosquitto]:
    """A running broker for the length of a block."""
    broker = Mosquitto(folder, settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
