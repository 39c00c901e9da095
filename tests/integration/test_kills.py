"""Presses while the hub is killed again and again: each kept once, answered, in one case a device.

The hub is the real process, the broker a real mosquitto. A kill comes after a random number of
further answers, case messages or published presses, so that it meets every step between broker,
journal, judge and outbox; while the hub is away the devices press on.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from hub.repeats import fingerprint
from tests.integration.hub_process import Ear, HubProcess, ear, hub_process, note, quick_client
from tests.programs import Mosquitto

DEVICES = 200
PRESSES_EACH = 5
PRESSES = DEVICES * PRESSES_EACH


@dataclass(frozen=True)
class Press:
    """One press of one button, under an id of its own."""

    device: str
    id: str

    @property
    def topic(self) -> str:
        """Where the button says it."""
        return f"community/demo/button/{self.device}/up"

    @property
    def payload(self) -> bytes:
        """As the button says it: without a clock of its own."""
        return msgspec.json.encode({"press": "sos", "id": self.id})

    @property
    def dedupe(self) -> int:
        """The journal's number of it."""
        return fingerprint(f"native:{self.device}".encode(), self.id.encode())


@dataclass
class Street:
    """What the devices have pressed and what has come back to them and to the duty desk."""

    presses: dict[str, Press]
    published: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    times: dict[str, int] = field(default_factory=dict)  # by device, as told in case messages
    notices: set[int] = field(default_factory=set)
    case_messages: int = 0
    online: int = 0

    @cached_property
    def devices(self) -> frozenset[str]:
        """Everybody who presses."""
        return frozenset(press.device for press in self.presses.values())

    def hear(self, topic: str, body: dict[str, Any]) -> None:
        """One message of the hub."""
        if topic == "hub/demo/state":
            self.online += body["word"] == "online"
        elif topic == "hub/demo/cases":
            self.case_messages += 1
            self.notices.add(body["notice"])
            device = body["device"].removeprefix("native:")
            if device in self.devices:  # a slow machine's hub may be missed itself, and is told of
                self.times[device] = body["times"]
        elif "heard" in body:
            assert topic == f"community/demo/button/{self.presses[body['heard']].device}/down"
            self.heard[body["heard"]] += 1

    def unheard(self) -> list[Press]:
        """Pressed, and nobody has answered yet."""
        return [self.presses[name] for name in self.published if name not in self.heard]

    def is_settled(self) -> bool:
        """Every press answered, every device's newest case message tells of all its presses."""
        return (
            len(self.heard) == PRESSES
            and len(self.times) == DEVICES
            and set(self.times.values()) == {PRESSES_EACH}
        )

    def story(self) -> str:
        """For a test that fails."""
        times = sorted(Counter(self.times.values()).items())
        return f"heard {len(self.heard)}, devices by presses told of: {times}"


def new_street(dice: random.Random) -> Street:
    """Every device's presses, in an order in which nobody has planned them."""
    presses = [
        Press(f"button-{device:03}", f"{device:03}-{number}")
        for device in range(DEVICES)
        for number in range(PRESSES_EACH)
    ]
    dice.shuffle(presses)
    return Street({press.id: press for press in presses})


class Campaign:
    """Kills, and what must be so when they are over."""

    def __init__(self, hub: HubProcess, street: Street, dice: random.Random) -> None:
        self.hub = hub
        self.street = street
        self.dice = dice
        self.moments: Counter[str] = Counter()

    async def run(
        self, client: aiomqtt.Client, listening: Ear, kills: int, *, repeat: bool, gently: bool
    ) -> None:
        """Press, kill, start again; a device that was not heard repeats if `repeat`."""
        waiting = list(self.street.presses.values())
        share = len(waiting) // kills
        await self.hub.start()
        for _ in range(kills):
            batch, waiting = waiting[:share], waiting[share:]
            pressing = asyncio.create_task(self._press(client, listening, batch))
            await listening.until(self._moment(len(batch)), self._story)
            await self._end(gently=gently)
            await self.hub.begin()
            await pressing
            if repeat:
                await self._press(client, listening, self.street.unheard())
        await self._press(client, listening, waiting)
        if repeat:
            await self._press(client, listening, self.street.unheard())
        await listening.until(self.street.is_settled, self._story)

    def _story(self) -> str:
        return f"{self.street.story()}\n{self.hub.story()}"

    async def _end(self, *, gently: bool) -> None:
        if not gently:
            await self.hub.kill()
            return
        code = await self.hub.stop()
        assert code in {0, -signal.SIGTERM}, self._story()  # the latter: not yet begun

    async def _press(self, client: aiomqtt.Client, listening: Ear, presses: list[Press]) -> None:
        for press in presses:
            await client.publish(press.topic, press.payload, qos=1)
            self.street.published[press.id] += 1
            await listening.wake()

    def _moment(self, presses: int) -> Callable[[], bool]:
        """The next kill: after some more of something has been seen."""
        street = self.street
        counts: dict[str, Callable[[], int]] = {
            "answers": lambda: len(street.heard),
            "case messages": lambda: street.case_messages,
            "presses": street.published.total,
            "connections": lambda: street.online,
        }
        kind = self.dice.choice(list(counts))
        self.moments[kind] += 1
        more = 1 if kind == "connections" else self.dice.randint(1, presses)
        count = counts[kind]
        reached = count() + more
        # a connection of the start before may have been seen already; the presses go on anyway
        return lambda: count() >= reached or (kind == "connections" and count() >= self.hub.starts)


async def campaign(
    folder: Path,
    broker: Mosquitto,
    *,
    kills: int,
    seed: int,
    repeat: bool = False,
    gently: bool = False,
) -> tuple[HubProcess, Street]:
    """The hub after the kills, stopped, and the street as it was left."""
    dice = random.Random(seed)
    street = new_street(dice)
    topics = ["community/demo/button/+/down", "hub/demo/cases", "hub/demo/state"]
    async with (
        hub_process(folder, broker) as hub,
        quick_client(broker) as client,
        ear(broker, topics, street.hear) as listening,
    ):
        killing = Campaign(hub, street, dice)
        await killing.run(client, listening, kills, repeat=repeat, gently=gently)
        await hub.ready()
        assert await hub.stop() == 0
    note(
        f"kills {kills} {dict(killing.moments)}; published {street.published.total()}, "
        f"answers {street.heard.total()}, case messages {street.case_messages}"
    )
    return hub, street


def check(hub: HubProcess, street: Street) -> None:
    """Each press once in the journal and once in the story of its case; everybody told."""
    kept = hub.rows("SELECT seq, dedupe FROM journal WHERE body LIKE '%press%'")
    assert sorted(mark for _seq, mark in kept) == sorted(
        press.dedupe for press in street.presses.values()
    )
    # Beside them there may be the hub's own word that it could hear nobody while it was down.
    others = "SELECT count(*) FROM journal WHERE device IS NULL OR device != '@site'"
    assert hub.rows(others) == [(PRESSES,)]
    pressed = "FROM cases WHERE device != '@site'"
    cases = hub.rows(f"SELECT device, category, severity, state, times {pressed}")
    assert sorted(cases) == [
        (f"native:button-{device:03}", "emergency", "emergency", "raised", PRESSES_EACH)
        for device in range(DEVICES)
    ]
    of_presses = f"case_id IN (SELECT id {pressed})"
    told = hub.rows(f"SELECT what, seq FROM case_log WHERE seq IS NOT NULL AND {of_presses}")
    assert Counter(what for what, _seq in told) == {"raised": DEVICES, "again": PRESSES - DEVICES}
    assert sorted(seq for _what, seq in told) == sorted(seq for seq, _mark in kept)
    assert hub.rows("SELECT count(*) FROM alerts WHERE device != '@site'") == [(DEVICES,)]
    notices = hub.rows(f"SELECT id FROM notices WHERE channel = 'mqtt' AND {of_presses}")
    assert len(notices) == PRESSES
    assert {number for (number,) in notices} <= street.notices
    assert set(street.heard) == set(street.presses)


async def test_a_thousand_presses_over_ten_kills(tmp_path: Path, broker: Mosquitto) -> None:
    """The devices repeat what was not answered, as real ones do."""
    check(*await campaign(tmp_path, broker, kills=10, repeat=True, seed=20260301))


async def test_the_brokers_session_alone_is_enough(tmp_path: Path, broker: Mosquitto) -> None:
    """No device repeats anything: what was not acknowledged comes again from the broker."""
    check(*await campaign(tmp_path, broker, kills=6, seed=20260302))


async def test_a_stop_in_the_middle_of_the_work(tmp_path: Path, broker: Mosquitto) -> None:
    """SIGTERM ends the hub whatever it is doing, and nothing is lost either."""
    check(*await campaign(tmp_path, broker, kills=4, gently=True, seed=20260303))


@pytest.mark.campaign
@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_hundred_kills(
    tmp_path: Path, broker: Mosquitto, *, repeat: bool, seed: int
) -> None:
    """The long form."""
    check(*await campaign(tmp_path, broker, kills=100, repeat=repeat, seed=seed))
