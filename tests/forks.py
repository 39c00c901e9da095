"""Processes of our own, forked from one that has imported the programs and done nothing else.

Imports and the reading of the community's rules are most of a start, and the tests start some
hundreds. Each is a process as any other: it is signalled, killed, and has streams and an exit code.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.warm"])


def _run(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: Connection,
    errors: Connection,
) -> None:
    from hub.cli import main  # noqa: PLC0415 - the test's own process needs no command line

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(out.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    out.close()
    errors.close()
    sys.argv = ["hub", *arguments]
    main()


class Forked:
    """A process that runs a function of a module with these arguments."""

    def __init__(self, target: Callable[..., None], *given: object) -> None:
        self._process = FORKS.Process(target=target, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, below zero for a signal; None while it runs."""
        return self._process.exitcode

    @property
    def ended(self) -> int:
        """A descriptor that can be read once it has ended."""
        return self._process.sentinel

    def send_signal(self, sign: int) -> None:
        """As `kill` does."""
        os.kill(self.pid, sign)


class ForkedHub(Forked):
    """`hub` with these arguments. `out` and `errors` are descriptors for the test to read."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        one_stream: bool = False,
    ) -> None:
        self.out, out = _pipe()
        self.errors, errors = (-1, out) if one_stream else _pipe()
        super().__init__(_run, list(arguments), folder, dict(environment), out, errors)
        out.close()
        if not one_stream:
            errors.close()


def _pipe() -> tuple[int, Connection]:
    reading, writing = FORKS.Pipe(duplex=False)
    descriptor = os.dup(reading.fileno())
    reading.close()
    return descriptor, writing
