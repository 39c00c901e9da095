"""A device is swapped for another and stays the same device: its id keeps place, resident, rules,
history.

The old address goes among the ghosts, the new one leaves strangers and ghosts. The command in the
journal is the audit trail, and by it a running hub learns of the swap.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from device_drivers.catalog import DRIVERS
from hub import commissionings, journal, mistakes
from hub.database import announcements, devices, ghosts, rhythms, strangers
from hub.journal import COMMAND, Entry
from hub.mistakes import Wrong
from hub.register import read_address

REASON_CHARACTERS_MAX = 1_000


class NotSwapped(Exception):
    """Why a swap is refused; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


class Swap(NamedTuple):
    """What a person asks for. Without a driver it is the one that the new device shows."""

    device: str
    address: str
    reason: str
    by: str
    driver: str | None = None


class Swapped(NamedTuple):
    """What came of it: the command's number, both addresses, the driver from now on."""

    seq: int
    device: str
    old_address: str
    address: str
    driver: str


def swap(connection: Connection, wish: Swap, now_ms: int) -> Swapped:
    """Put the new device into the old one's place. Raises `NotSwapped`; nothing is kept then."""
    device = _row(connection, devices, devices.c.id == wish.device)
    if device is None:
        zh, en = f"没有设备 {wish.device}。", f"There is no device {wish.device}."
        raise NotSwapped("no_such_device", zh, en)
    if not wish.reason.strip() or len(wish.reason) > REASON_CHARACTERS_MAX:
        raise NotSwapped("reason_needed", "请填写更换原因。", "Say why it is swapped.")
    address = _address(connection, wish, device)
    unknown = _row(connection, strangers, strangers.c.address == address)
    announced = _row(connection, announcements, announcements.c.address == address)
    _check_family(device, unknown, announced)
    driver = _driver(wish, device, address, unknown, announced)
    _lay_to_rest(connection, device, wish, now_ms)
    connection.execute(ghosts.delete().where(ghosts.c.address == address))
    _take_over(connection, device, address, driver, announced)
    old = str(device["address"])
    body = {"act": "swap", "device": wish.device, "by": wish.by, "reason": wish.reason.strip()}
    body |= {"from": old, "to": address, "driver": driver}
    seq = journal.append(connection, [Entry(0, COMMAND, None, now_ms, (), body)])
    commissionings.record(
        connection,
        wish.device,
        why=commissionings.SWAPPED,
        by=wish.by,
        now_ms=now_ms,
        **commissionings.heard_of(unknown),
        note=wish.reason.strip(),
    )
    return Swapped(seq, wish.device, old, address, driver)


def _row(connection: Connection, table: sa.Table, which: Any) -> Mapping[Any, Any] | None:
    return connection.execute(table.select().where(which).limit(1)).mappings().first()


def _address(connection: Connection, wish: Swap, device: Mapping[Any, Any]) -> str:
    try:
        address = read_address(wish.address.strip())
    except Wrong as error:
        raise NotSwapped("wrong_address", "新设备的地址不对。", f"Address: {error}.") from error
    if address == device["address"]:
        zh, en = "这就是现在的设备。", "This is the device that is there now."
        raise NotSwapped("same_address", zh, en)
    owner = _row(connection, devices, devices.c.address == address)
    if owner is not None:
        zh = f"地址 {address} 属于另一台设备：{owner['id']}。"
        raise NotSwapped("taken", zh, f"The address {address} belongs to {owner['id']}.")
    return address


def _check_family(device: Mapping[Any, Any], *known: Mapping[Any, Any] | None) -> None:
    """A door cannot take a button's place: rules and people would be told wrong things."""
    for row in known:
        if row is not None and row["family"] not in (None, device["family"]):
            zh = "新设备的类别不同，请按新设备登记。"
            en = (
                f"The new device is a {row['family']}, the old one a {device['family']}: "
                "register it as a device of its own."
            )
            raise NotSwapped("other_family", zh, en)


def _driver(
    wish: Swap,
    device: Mapping[Any, Any],
    address: str,
    unknown: Mapping[Any, Any] | None,
    announced: Mapping[Any, Any] | None,
) -> str:
    """The one that was said; else the new device's own; else, of the same ecosystem, the old's."""
    shown = [row[key] for row, key in ((announced, "guess"), (unknown, "driver")) if row]
    same = address.partition(":")[0] == str(device["address"]).partition(":")[0]
    guesses = [wish.driver, *shown, device["driver"] if same else None]
    driver = next((guess for guess in guesses if guess), None)
    if driver is None:
        zh, en = "请选择新设备的驱动。", "Say which driver the new device has (driver)."
        raise NotSwapped("driver_needed", zh, en)
    if driver not in DRIVERS:
        near = mistakes.nearest(driver, DRIVERS)
        zh, en = f"没有驱动 {driver}。", f"There is no driver {driver}{near}."
        raise NotSwapped("no_such_driver", zh, en)
    if device["family"] not in DRIVERS[driver].families:
        zh = f"驱动 {driver} 不适用于这类设备。"
        en = f"The driver {driver} is for {', '.join(DRIVERS[driver].families)}."
        raise NotSwapped("other_family", zh, en)
    return str(driver)


def _lay_to_rest(
    connection: Connection, device: Mapping[Any, Any], wish: Swap, now_ms: int
) -> None:
    row = {
        "address": device["address"],
        "device": device["id"],
        "driver": device["driver"],
        "family": device["family"],
        "swapped_ms": now_ms,
        "swapped_by": wish.by,
        "reason": wish.reason.strip(),
        "heard_ms": None,
        "messages": 0,
    }
    insert = upsert(ghosts)
    connection.execute(insert.on_conflict_do_update(index_elements=["address"], set_=row), row)


def _take_over(
    connection: Connection,
    device: Mapping[Any, Any],
    address: str,
    driver: str,
    announced: Mapping[Any, Any] | None,
) -> None:
    """The row keeps all that is the place's and the resident's, and loses what was the old one's.

    A gateway that somebody wrote down stays; maker, model and cell are the new device's own, and so
    is the rhythm in which it speaks.
    """
    said = announced or {"maker": None, "model": None}
    same = driver == device["driver"] and said["model"] in (None, device["model"])
    new: dict[str, Any] = {"address": address, "driver": driver, "topic": None}
    if not same:
        new |= {"maker": said["maker"], "model": said["model"], "cell": None}
    connection.execute(devices.update().where(devices.c.id == device["id"]).values(new))
    connection.execute(rhythms.delete().where(rhythms.c.device == device["id"]))
