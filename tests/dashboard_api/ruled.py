"""An API whose rules are files in a folder, with the real judge behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from hub.cases import Cases
from hub.database import for_writing
from hub.devices import Devices, read_devices
from hub.docket import Docket
from hub.evaluate import Evaluation, evaluate
from hub.feed import Feed
from hub.local_series import LocalSeries
from hub.rule_start import rules_to_start_with
from hub.settings import Settings
from hub.site import Site
from hub.users import add_token
from hub.writer import Writer
from rules.judge import Judge
from tests.dashboard_api.conftest import HandClock
from tests.hub.courtroom import RULES

# Comments everywhere: they must outlive every edit.
DOORS = """# Doors, looked after by Li.
rules:
  # A door that stands open.
  - rule: doors-held   # short name
    title: {zh: 门未关, en: Door held}
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 10m   # people carry furniture
    severity: warning
    category: security
    tests:
      - story: held for ten minutes
        given: [{0s: {contact: open}}, {25m: {contact: closed}}]
        heard: [{10m: opens}, {25m: closes}]

  # Nobody comes in or goes out.
  - rule: no-door
    where: {family: door}
    when: {point: contact, still_for: 24h}
    severity: notice
    category: welfare
    tests:
      - story: a day
        given: [{0s: {contact: open}}, {1m: {contact: closed}}]
        until: 25h
        heard: [{24h1m: opens}]
# the end
"""


class Ruled:
    """The folder, the settings, the judge and callers of each role."""

    def __init__(self, folder: Path, engine: Engine, clock: HandClock) -> None:
        self.folder = folder / "rules"
        self.folder.mkdir()
        self.write("base.yaml", RULES)
        self.write("doors.yaml", DOORS)
        self.engine = engine
        self.clock = clock
        self.settings = Settings(
            data_dir=folder, rules_dir=str(self.folder), command_wait_s=5.0, settle_ms=0
        )

    def write(self, name: str, text: str) -> None:
        """A person's editor."""
        (self.folder / name).write_bytes(text.encode())

    def read(self, name: str = "doors.yaml") -> str:
        """A file, byte for byte."""
        return (self.folder / name).read_bytes().decode()

    @asynccontextmanager
    async def caller(self, role: str = "staff", **more: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A program with a token of that role, over an app with the judge behind it."""
        settings = replace(self.settings, **more)
        token = add_token(self.engine, self.clock, f"{role}-own", role)
        series = LocalSeries(settings, "demo")
        app = create_app(settings, self.clock, self.engine, series, Site())
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            self._judging(settings),
            httpx.AsyncClient(
                transport=transport, base_url="http://hub.test", headers=headers
            ) as client,
        ):
            yield client
        await series.close()

    @asynccontextmanager
    async def _judging(self, settings: Settings) -> AsyncIterator[None]:
        writer, feed = Writer(for_writing(self.engine), retry_s=0.01), Feed(8)
        rulings = rules_to_start_with(self.engine, settings, self.clock.now_ms())
        judge = Judge(rulings.files, overrides=rulings.own, zone=Site().zone)
        with self.engine.connect() as connection:
            known = Devices(read_devices(connection))
        evaluation = Evaluation(
            Docket(judge, Cases(), known, ["log"]),
            engine=self.engine,
            writer=writer,
            feed=feed,
            settings=settings,
            clock=self.clock,
            on_written=lambda: None,
        )
        evaluation.restore()
        task = asyncio.create_task(evaluate(evaluation, feed))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            writer.close()
