"""The dashboard as it runs: a process of its own on a free port, over a small community.

It is forked (`tests/forks.py`): the browser's tests start a hundred of them.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import Engine

from dashboard_api.__main__ import main
from hub import users
from hub.clock import SystemClock
from hub.database import for_writing
from tests.dashboard_api.community import PASSWORD, StandInJudge, say_alive, seed
from tests.forks import Forked
from tests.fresh import fresh_engine
from tests.people import let_in
from tests.programs import free_port, wait_for_port

STOP_WITHIN_S = 10.0
AGES_MS = 3_600_000  # so long the hub of these tests is said to be alive without saying so again


def _serve(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(main())


class Served(Forked):
    """A process of the dashboard, with what `subprocess.Popen` has and tests ask for."""

    args = "the dashboard"

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(_serve, dict(environment))

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.returncode

    def wait(self, within_s: float) -> int:
        """Its exit code once it has ended."""
        self._process.join(within_s)
        code = self.returncode
        if code is None:
            raise TimeoutError(f"the dashboard did not end within {within_s:g} s")
        return code


class Dashboard:
    """The process, its database, and a stand-in for the judge."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.engine: Engine = fresh_engine(folder / "hub.db")
        self.clock = SystemClock()
        now_ms = self.clock.now_ms()
        seed(self.engine, now_ms)
        self.say_alive(now_ms + AGES_MS)
        for role in users.USER_ROLES:
            let_in(self.engine, role, role, PASSWORD)
        self.wall_token = users.add_token(self.engine, self.clock, "hall", "wall")
        self.judge = StandInJudge(self.engine, now_ms)
        own = {"HUB_DATA_DIR": str(folder), "HUB_HTTP": f"127.0.0.1:{self.port}"}
        others = {name: text for name, text in os.environ.items() if not name.startswith("HUB_")}
        self._environment = others | own | settings
        self.process: Served | None = None

    def say_alive(self, at_ms: int) -> None:
        """Have the hub's row say that it ran at that moment."""
        with for_writing(self.engine).begin() as connection:
            say_alive(connection, at_ms)

    def start(self, **settings: str) -> None:
        """Start it, or start it again on the same port, with other settings where given."""
        self._environment |= settings
        self.process = Served(self._environment)
        wait_for_port(self.port, self.process)

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(STOP_WITHIN_S)

    def close(self) -> None:
        """End whatever still runs."""
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGKILL)
        self.engine.dispose()
