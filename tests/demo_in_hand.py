"""A demo of its own that runs: what pictures of the manual and measures of the pages look at."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic as _monotonic
from time import sleep as _sleep
from typing import Any

import httpx

from tests.programs import free_port

PROGRAM = [sys.executable, "-c", "from hub.cli import main; main()", "demo"]
LOOK_EVERY_S = 0.5
END_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where it is, and how a person and a program get in."""

    url: str
    password: str
    api: httpx.Client
    press: list[str]  # the command that presses a button

    def ask(self, path: str) -> Any:
        """What the API says there."""
        return self.api.get(path).raise_for_status().json()

    def wait_for(self, path: str, fits: str, within_s: float) -> dict[str, Any]:
        """The first of the rows at `path` with this regular expression in one of its words."""
        until = _monotonic() + within_s
        while _monotonic() < until:
            for row in self.ask(path)["items"]:
                if any(re.search(fits, word) for word in row.values() if isinstance(word, str)):
                    return dict(row)
            _sleep(LOOK_EVERY_S)
        raise RuntimeError(f"nothing with {fits!r} at {path} within {within_s:g} s")


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
    header = shlex.split(said["API"])[2].partition(": ")
    api = httpx.Client(base_url=url, headers=[(header[0], header[2])], timeout=END_WITHIN_S)
    return Demo(url, said["Pages"].rpartition(" ")[2], api, shlex.split(said["Press"]))
