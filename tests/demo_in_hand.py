"""A demo of its own that runs: what pictures of the manual and measures of the pages look at."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep as _sleep

from hub.clock import SystemClock
from tests.programs import free_port

PROGRAM = [sys.executable, "-c", "from hub.cli import main; main()", "demo"]
LOOK_EVERY_S = 0.5
END_WITHIN_S = 30.0
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where it is, and how a person and a program get in."""

    url: str
    password: str
    press: list[str]  # the command that presses a button

    def wait_until(self, so: Callable[[], bool], within_s: float = 60.0) -> None:
        """Look until it is so. RuntimeError: it did not become so in time."""
        until = _CLOCK.monotonic_s() + within_s
        while not so():
            if _CLOCK.monotonic_s() > until:
                raise RuntimeError(f"{so.__doc__ or so} did not come within {within_s:g} s")
            _sleep(LOOK_EVERY_S)

    def live_for(self, seconds: float) -> None:
        """Let the residents live their day."""
        _sleep(seconds)


@contextmanager
def running_demo(*arguments: str) -> Iterator[Demo]:
    """A demo with its data in a folder of its own, from its first press to the end of the block."""
    http = f"127.0.0.1:{free_port()}"
    with TemporaryDirectory() as folder:
        own = {
            "HUB_DATA_DIR": folder,
            "HUB_HTTP": http,
            "HUB_EMBEDDED_PORT": str(free_port()),
            "HUB_SETTINGS": os.devnull,
        }
        process = subprocess.Popen(
            [*PROGRAM, *arguments], env=os.environ | own, stdout=subprocess.PIPE, text=True
        )
        try:
            yield _way_in(process, Path(folder), f"http://{http}")
        finally:
            process.terminate()
            process.communicate(timeout=END_WITHIN_S)


def _way_in(process: subprocess.Popen[str], folder: Path, url: str) -> Demo:
    """What it prints for a person, up to the first press."""
    assert process.stdout is not None
    said: dict[str, str] = {}
    for line in process.stdout:
        word, _, rest = line.strip().partition(":")
        said.setdefault(word, rest.strip())
        if "Emergency call" in line:
            break
    else:
        raise RuntimeError(f"the demo ended by itself: {folder / 'hub.log'}")
    password = said["Pages"].rpartition(" ")[2]
    return Demo(url, password, shlex.split(said["Press"]))
