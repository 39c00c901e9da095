"""The register of devices: who is who on the air, where it is, whom it serves.

Kept in memory by the hub's loops and read again when somebody changed it. Who is not in it is a
stranger: judged for emergencies only, and shown for adoption.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from device_drivers.catalog import DRIVERS
from hub.database import devices, places, residents, rhythms
from hub.ghosts import Ghost, Ghosts
from hub.trials import Trials
from rules.facts import EXPECTED_SILENCE_MS
from rules.rhythm import Words, expected

NATIVE = "native"

# Where a device's messages come, by its address: ecosystem, then the name in the topic.
_TOPIC_OF = {
    "zigbee2mqtt": "zigbee2mqtt/{}",
    "lorawan": "application/+/device/{}/event/up",
}


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device with what its place and resident add to it."""

    id: str
    family: str
    driver: str
    address: str
    name_zh: str
    name_en: str
    place: str | None = None
    place_zh: str | None = None
    place_en: str | None = None
    grid: str | None = None
    ground: str | None = None
    tags: frozenset[str] = frozenset()
    resident_id: str | None = None
    resident_tags: frozenset[str] = frozenset()
    gateway: str | None = None
    expected_silence_s: int | None = None
    added_ms: int = 0
    maker: str | None = None
    model: str | None = None
    pulses_per_use: int | None = None
    cell: str | None = None
    topic: str | None = None
    learned_silence_s: int | None = None


def expected_silence(own_s: int | None, driver_name: str, learned_s: int | None) -> Words:
    """How long a device may be silent when it is well, and whose word that is.

    The judge and the pages ask here, so that they never say different things of one device.
    """
    driver = DRIVERS.get(driver_name)
    driver_s = None if driver is None else driver.expected_silence_s
    return expected(own_s, learned_s, driver_s, EXPECTED_SILENCE_MS // 1_000)


def expected_silence_s(own_s: int | None, driver_name: str, learned_s: int | None = None) -> int:
    """The same, in s."""
    return expected_silence(own_s, driver_name, learned_s).silence_s


class Devices:
    """All registered devices, by id and by address."""

    def __init__(self, known: Iterable[Device] = ()) -> None:
        self.by_id: dict[str, Device] = {}
        self.by_address: dict[str, Device] = {}
        self.ghosts = Ghosts()
        self.trials = Trials()
        self.replace(known)

    def replace(self, known: Iterable[Device], ghosts: Iterable[Ghost] = ()) -> None:
        """Forget all and take these."""
        self.ghosts.replace(ghosts)
        self.by_id = {device.id: device for device in known}
        self.by_address = {device.address: device for device in self.by_id.values()}

    def driver_of(self, address: str) -> str | None:
        """The driver that the register names for an address, or named before a swap."""
        device = self.by_address.get(address) or self.ghosts.get(address)
        return None if device is None else device.driver

    def button_topics(self) -> list[str]:
        """Topics of registered buttons of other ecosystems, as far as their addresses tell.

        What an address does not tell is learned from the first message that comes the common way.
        """
        buttons = [one.address for one in self.by_id.values() if one.family == "button"]
        topics = []
        for address in (*buttons, *self.ghosts.buttons()):
            ecosystem, _, name = address.partition(":")
            if ecosystem in _TOPIC_OF:
                topics.append(_TOPIC_OF[ecosystem].format(name))
        return topics

    def describe(self, device_id: str) -> tuple[str, str | None, str | None] | None:
        """Family, grid and ground of a device; None for a stranger."""
        device = self.by_id.get(device_id)
        return None if device is None else (device.family, device.grid, device.ground)


def read_devices(connection: Connection) -> list[Device]:
    """Every device of the database, with its place's and its resident's words."""
    query = (
        sa.select(
            devices,
            sa.func.coalesce(devices.c.grid, places.c.grid).label("its_grid"),
            places.c.name_zh.label("place_zh"),
            places.c.name_en.label("place_en"),
            residents.c.tags_json.label("resident_tags_json"),
            rhythms.c.learned_s,
        )
        .outerjoin(places, places.c.path == devices.c.place)
        .outerjoin(residents, residents.c.id == devices.c.resident_id)
        .outerjoin(rhythms, rhythms.c.device == devices.c.id)
    )
    return [_device(row) for row in connection.execute(query).mappings()]


def _device(row: Mapping[Any, Any]) -> Device:
    return Device(
        id=row["id"],
        family=row["family"],
        driver=row["driver"],
        address=row["address"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        place=row["place"],
        place_zh=row["place_zh"],
        place_en=row["place_en"],
        grid=row["its_grid"],
        ground=row["ground"],
        tags=_tags(row["tags_json"]),
        resident_id=row["resident_id"],
        resident_tags=_tags(row["resident_tags_json"]),
        gateway=row["gateway"],
        expected_silence_s=row["expected_silence_s"],
        added_ms=row["added_ms"],
        maker=row["maker"],
        model=row["model"],
        pulses_per_use=row["pulses_per_use"],
        cell=row["cell"],
        topic=row["topic"],
        learned_silence_s=row["learned_s"],
    )


def _tags(text: str | None) -> frozenset[str]:
    return frozenset(msgspec.json.decode(text, type=list[str])) if text else frozenset()
