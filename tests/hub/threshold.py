"""The door without a broker: messages in, entries out, the clock in the test's hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from device_drivers.reading import Reading
from hub import journal
from hub.database import for_writing, migrate, open_engine
from hub.devices import Device, Devices
from hub.ingest import OTHERS, Around, Opened, Opener
from hub.journal import READING, REFUSAL, Entry
from hub.mqtt import Received
from hub.repeats import Repeats
from hub.settings import Settings
from hub.strangers import Strangers
from hub.worth import Worth, write

NOON_MS = 1_772_424_000_000  # 2026-03-02 12:00 in Shanghai
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
BUTTON = Device("btn-1", "button", "native", "native:btn-1", "按钮", "Button")
DOOR = Device("door-1", "door", "native", "native:door-1", "门", "Door")
GYM = Device("gym-1", "counter", "native", "native:gym-1", "器材", "Machine")
EM300 = Device(
    "gym-2", "counter", "milesight_em300_di", "lorawan:24e124136b502217", "器材", "Machine"
)
WATCH = Device("watch-1", "button", "native", "native:watch-1", "手表", "Watch")


class Threshold:
    """One door. `heard` is every entry so far; `restart` is a kill after the last commit."""

    def __init__(self, *known: Device, folder: Path | None = None, **bounds: Any) -> None:
        self.settings = replace(Settings(), **bounds)
        self.devices = Devices(known or (BUTTON, DOOR, GYM, EM300, WATCH))
        self.heard: list[Entry] = []
        self.now = NOON_MS
        self._packet = 0
        self._engine = None
        if folder is not None:
            self._engine = open_engine(f"sqlite:///{folder / 'hub.db'}")
            migrate(self._engine)
        self.opener = self._open()

    def _open(self) -> Opener:
        repeats = Repeats(
            messages_max=1_000,
            presses_max=1_000,
            repeat_window_ms=self.settings.repeat_window_s * 1_000,
            copy_window_ms=self.settings.copy_window_s * 1_000,
        )
        worth = Worth(self.settings)
        if self._engine is not None:
            with self._engine.connect() as connection:
                worth.load(connection)
        unknown = Strangers(strangers_max=10, messages_max=5)
        around = Around.of(self.settings, self.devices, unknown, now_ms=0)
        return Opener(self.settings, self.devices, repeats, unknown, around, worth=worth)

    def restart(self) -> None:
        """Killed and started again: only what was written is known."""
        self.opener = self._open()

    def hear(
        self, topic: str, payload: bytes, *, retained: bool = False, link: int = OTHERS
    ) -> list[Entry]:
        """A message comes; the entries that it makes."""
        self._packet += 1
        message = Received(topic, payload, retained, False, self._packet, len(payload))
        return self._take(self.opener.open([message], self.now, link))

    def let_pass(self, ms: int) -> list[Entry]:
        """Time passes, and the hub looks whether something is due; the entries that it makes."""
        self.now += ms
        return self._take(self.opener.due(self.now))

    def _take(self, opened: Opened) -> list[Entry]:
        if self._engine is not None:
            with for_writing(self._engine).begin() as connection:
                write(connection, opened.writes)
                journal.append(connection, opened.entries)
        self.heard += opened.entries
        return opened.entries

    def said(self, device: str, *, retained: bool = False, **points: Any) -> list[Entry]:
        """A native device says this."""
        known = self.devices.by_id.get(device)
        family = known.family if known is not None else "door"
        topic = f"community/demo/{family}/{device}/up"
        return self.hear(topic, json.dumps(points).encode(), retained=retained)

    def readings(self, device: str, *points: str) -> list[Reading]:
        """What was kept of a device, in the order of the journal."""
        return [
            reading
            for entry in self.heard
            if entry.kind == READING and entry.device == device
            for reading in entry.readings
            if not points or reading.point in points
        ]

    def values(self, device: str, *points: str) -> list[Any]:
        """The same without moments."""
        return [reading.value for reading in self.readings(device, *points)]

    def refusals(self) -> list[str]:
        """The reasons of all refusals and remarks."""
        return [
            entry.body["reason"] for entry in self.heard if entry.kind == REFUSAL and entry.body
        ]

    def close(self) -> None:
        """Let the database go."""
        if self._engine is not None:
            self._engine.dispose()
