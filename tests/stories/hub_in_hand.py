"""The whole hub in this process, over a real broker and a real database, its clock in the hand.

`at` moves the clock and returns when all that follows from it is judged and written; `said` returns
when the messages are. Nothing here waits for a time to pass.
"""

import asyncio
import contextlib
import json
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import sqlalchemy as sa

from dashboard_api.app import create_app
from hub import users
from hub.app import House, build, loops, open_ground
from hub.database import (
    cases,
    cursors,
    devices,
    for_writing,
    gateways,
    journal,
    notices,
    places,
    residents,
)
from hub.local_series import LocalSeries
from hub.mqtt import Address
from hub.notifiers import open_channels
from hub.notifiers.mqtt import open_publisher
from hub.settings import Settings
from hub.site import Site
from tests.hub.courtroom import MORNING_MS, HandClock
from tests.programs import Mosquitto, program

PATIENCE_S = 60.0
MINUTE, HOUR = 60, 3_600
SITE_IS = "demo"
Message = tuple[str, Mapping[str, Any] | bytes]


def native(device: str, family: str = "door", **more: Any) -> dict[str, Any]:
    """A row of the register for a native device with the usual 26 hours."""
    return _row(device, family, "native", f"native:{device}", **more)


def lorawan(
    device: str, number: int, driver: str = "milesight_door", **more: Any
) -> dict[str, Any]:
    """The same for a device behind ChirpStack."""
    return _row(device, more.pop("family", "door"), driver, f"lorawan:{eui(number)}", **more)


def _row(device: str, family: str, driver: str, address: str, **more: Any) -> dict[str, Any]:
    names = {"name_zh": device, "name_en": device}
    row = {"id": device, "family": family, "driver": driver, "address": address, **names}
    plain = {"place": None, "grid": None, "resident_id": None, "expected_silence_s": 26 * HOUR}
    return {**row, **plain, "tags_json": "[]", "gateway": None, **more}


def eui(number: int) -> str:
    """The address of a LoRaWAN device."""
    return f"24e124{number:010x}"


def up(device: str, family: str = "door", **body: Any) -> Message:
    """A native message."""
    return f"community/{SITE_IS}/{family}/{device}/up", body


def status(gateway: str, word: str) -> Message:
    """What a native gateway says of itself."""
    return f"community/{SITE_IS}/gateway/{gateway}/status", word.encode()


def uplink(number: int, gateway: str, count: int, payload: str = "017563") -> Message:
    """A frame as ChirpStack v4 hands it on, heard by one gateway."""
    body = {
        "deduplicationId": f"{number}-{count}",
        "deviceInfo": {"devEui": eui(number), "deviceProfileName": "WS301"},
        "fPort": 85,
        "fCnt": count,
        "data": b64encode(bytes.fromhex(payload)).decode(),
        "rxInfo": [{"gatewayId": gateway, "rssi": -90, "snr": 7}],
    }
    return f"application/one/device/{eui(number)}/event/up", body


class HubInHand:
    """One hub; it may be stopped in the middle of whatever goes on, and started again."""

    def __init__(self, folder: Path, broker: Mosquitto, **settings: Any) -> None:
        self.clock = HandClock()
        self.broker = broker
        self.settings = Settings(
            data_dir=folder,
            broker=broker.url,
            reconnect_min_s=0.01,
            reconnect_max_s=0.05,
            settle_ms=0,
            standings_flush_ms=0,
            standings_flush_rows_max=10_000,
            commands_poll_ms=5,
            supervise_every_s=0.01,
            deliver_poll_s=0.05,
            **{"canary_every_s": 0.0, **settings},  # it would be counted among the entries
        )
        self.house: House | None = None
        self._running: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()

    # -- life ------------------------------------------------------------------------------------

    async def start(self, *, broker_is_there: bool = True) -> None:
        """Start it; return when it listens, or when it runs if there is no broker."""
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._running = asyncio.create_task(self._live())
        async with asyncio.timeout(PATIENCE_S):
            await self._up.wait()
            if broker_is_there:
                assert self.house is not None
                for link in self.house.links:
                    await link.ready()
        await self.settled(connected=broker_is_there)

    async def _live(self) -> None:
        address = Address.parse(self.broker.url)
        async with (
            open_ground(self.settings, self.clock) as ground,
            open_publisher(address, SITE_IS, self.settings) as publisher,
            open_channels(
                publisher=publisher,
                site=SITE_IS,
                settings=self.settings,
                clock=self.clock,
                engine=ground.engine,
            ) as channels,
        ):
            self.house = build(ground, address, channels)
            await self.house.supervision.look()
            try:
                async with asyncio.TaskGroup() as tasks:
                    for name, loop in loops(self.house, publisher).items():
                        tasks.create_task(loop, name=name)
                    self._up.set()
            finally:
                await self.house.series.close()

    async def stop(self) -> None:
        """End it between any two steps."""
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self.house = None

    # -- what is known before the first start ----------------------------------------------------

    async def settle_in(
        self, register: Sequence[Mapping[str, Any]], people: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Put devices and residents (with their homes) into the database."""
        async with open_ground(self.settings, self.clock) as ground:
            with for_writing(ground.engine).begin() as connection:
                for person in people:
                    connection.execute(residents.insert().values(**person))
                    home = {"path": person["place"], "kind": "home"}
                    names = {"name_zh": f"{person['place']}室", "name_en": person["place"]}
                    connection.execute(places.insert().values(**home, **names))
                added = {"added_ms": self.clock.now_ms()}
                connection.execute(devices.insert(), [{**row, **added} for row in register])

    # -- time and messages -----------------------------------------------------------------------

    async def at(self, seconds: float, *, connected: bool = True) -> None:
        """Move the clock to so many seconds after the morning."""
        self.clock.now = MORNING_MS + round(seconds * 1_000)
        await self.settled(connected=connected)

    async def settled(self, *, connected: bool = True) -> None:
        """All that follows from the present moment is written, and was judged."""
        assert self.house is not None
        house, now_ms = self.house, self.clock.now
        await self.until(lambda: any(link.is_up for link in house.links) == connected)
        house.supervision.looked_ms = 0
        await self.until(lambda: house.supervision.looked_ms >= now_ms)
        house.supervision.looked_ms = 0
        await self.until(lambda: house.supervision.looked_ms >= now_ms)
        await self.until(self._judged)

    def _judged(self) -> bool:
        readings = sa.select(sa.func.max(journal.c.seq)).where(journal.c.kind == "reading")
        newest = self._one(readings) or 0
        query = sa.select(cursors.c.seq, cursors.c.now_ms).where(cursors.c.follower == "judge")
        with self._engine.connect() as connection:
            row = connection.execute(query).one()
        return bool(row.seq >= newest and row.now_ms == self.clock.now)

    async def said(self, messages: Iterable[Message], *, to: Mosquitto | None = None) -> None:
        """Have devices say these, and return when each is in the journal and judged."""
        messages = list(messages)
        before = self._entries()
        async with self.client(to) as client:
            for topic, body in messages:
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                retain = topic.endswith("/status")
                await client.publish(topic, payload, qos=1, retain=retain)
        await self.until(lambda: self._entries() >= before + len(messages))
        await self.settled()

    async def said_twice(self, messages: Sequence[Message]) -> None:
        """The same for buttons, whose messages come by both connections; the copies count too."""
        before = self._handled()
        async with self.client() as client:
            for topic, body in messages:
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                await client.publish(topic, payload, qos=1)
        await self.until(lambda: self._handled() >= before + 2 * len(messages))
        await self.settled()

    def _handled(self) -> int:
        assert self.house is not None
        figures = self.house.tally.figures()
        kept = ("kept_buttons", "kept_others", "repeats_buttons", "repeats_others")
        return sum(figures.get(name, 0) for name in kept)

    def _entries(self) -> int:
        return int(self._one(sa.select(sa.func.count()).select_from(journal)) or 0)

    async def until(self, so: Callable[[], bool]) -> None:
        """Return when `so` holds, which is looked at in a thread again and again."""
        async with asyncio.timeout(PATIENCE_S):
            while not await asyncio.to_thread(so):
                self.check()

    def check(self) -> None:
        """Raise what the hub fell by, if it fell."""
        if self._running is not None and self._running.done():
            self._running.result()

    def client(self, broker: Mosquitto | None = None) -> aiomqtt.Client:
        """A device's connection."""
        port = (broker or self.broker).port
        client = aiomqtt.Client("127.0.0.1", port, max_inflight_messages=1_000)
        client.pending_calls_threshold = 10_000
        return client

    # -- what is kept ----------------------------------------------------------------------------

    @property
    def _engine(self) -> sa.Engine:
        assert self.house is not None
        return self.house.ground.engine

    def _one(self, query: sa.Select[Any]) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def cases(self, rule: str = "") -> list[Any]:
        """All cases, or those of a rule, in their order."""
        query = cases.select().order_by(cases.c.id)
        with self._engine.connect() as connection:
            return list(connection.execute(query.where(cases.c.rule == rule) if rule else query))

    def silent(self) -> list[tuple[str, int]]:
        """Devices with a case because they are silent, and since how many seconds."""
        found = [(row.device, row.raised_at_ms) for row in self.cases("device-silent")]
        return sorted((name, (at_ms - MORNING_MS) // 1_000) for name, at_ms in found)

    def told_of(self) -> set[str]:
        """Everything about which there ever was a notice: the keys of its cases."""
        query = sa.select(cases.c.key).join(notices, notices.c.case_id == cases.c.id)
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def own_words(self, device: str) -> list[tuple[bool, int]]:
        """What the journal holds about a carrier: is it there, and since how many seconds."""
        query = sa.select(journal.c.body).where(journal.c.device == device).order_by(journal.c.seq)
        with self._engine.connect() as connection:
            bodies = [json.loads(body) for body in connection.execute(query).scalars()]
        return [
            (value, (at_ms - MORNING_MS) // 1_000)
            for [[point, value, at_ms, *_]] in bodies
            if point == "online"
        ]

    def gateway(self, name: str) -> Any:
        """A row of the table of gateways."""
        with self._engine.connect() as connection:
            return connection.execute(gateways.select().where(gateways.c.id == name)).first()

    @contextlib.asynccontextmanager
    async def api(self, role: str = "staff") -> AsyncIterator[httpx.AsyncClient]:
        """The pages and the API over the same database."""
        series = LocalSeries(self.settings, SITE_IS)
        app = create_app(self.settings, self.clock, self._engine, series, Site())
        token = users.add_token(self._engine, self.clock, f"{role}-{id(app)}", role)
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://hub.test", headers=headers
        ) as caller:
            yield caller
        await series.close()

    async def asked(self, path: str, role: str = "staff") -> Any:
        """What the API answers."""
        async with self.api(role) as caller:
            answer = await caller.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text


@contextlib.asynccontextmanager
async def hub_in_hand(
    folder: Path,
    broker: Mosquitto,
    register: Sequence[Mapping[str, Any]],
    people: Sequence[Mapping[str, Any]] = (),
    **settings: Any,
) -> AsyncIterator[HubInHand]:
    """A running hub with these devices and residents; it does not outlive the block."""
    hub = HubInHand(folder / "hub", broker, **settings)
    await hub.settle_in(register, people)
    await hub.start()
    try:
        yield hub
        hub.check()
    finally:
        await hub.stop()


class WillingGateway:
    """A native gateway with a will, as a process that can be killed."""

    def __init__(self, broker: Mosquitto, name: str) -> None:
        self._broker = broker
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    async def connect(self) -> None:
        """Come up; return when the broker has its will."""
        topic = f"probe/{self._name}"
        self._start(topic)
        reading = asyncio.create_task(asyncio.to_thread(self._read_line))
        async with aiomqtt.Client("127.0.0.1", self._broker.port) as client:
            while not reading.done():
                await client.publish(topic, b"are you there?", qos=1)
        await reading

    def _start(self, topic: str) -> None:
        will = ["--will-topic", status(self._name, "")[0], "--will-payload", "offline"]
        self._process = subprocess.Popen(
            [program("mosquitto_sub"), "-p", str(self._broker.port), "-t", topic, "-C", "100",
             *will, "--will-qos", "1", "--will-retain"],
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def _read_line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def kill(self) -> None:
        """Go without a goodbye: the broker says its will."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
