"""A stored history to measure on: a month of a community, written as the ingest writes it.

Doors open and close by day, machines are used, buttons are pressed now and then, all say hello
every few hours; one message in forty comes minutes late, and gateways fall out. Nothing here is
measured at a real site: the figures below are ours, chosen to be on the busy side.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub.database import devices, migrate, open_engine
from hub.journal import COLUMNS, DEVICE_TIME, PRESS, READING, Entry, row_of

DAY_MS = 86_400_000
STARTS_PER_DAY = {"door": 20, "counter": 50, "button": 6}  # a door that opens shuts, too
LATE_SHARE = 0.025
LATE_MS_MAX = 900_000
GATEWAYS = 24
BEGIN_MS = 1_772_294_400_000  # 2026-03-01 00:00 in Shanghai
FORM = 1  # of the history: another number where the same parameters give other entries


def family_of(number: int) -> str:
    """Half are doors, three in ten machines, two in ten buttons."""
    return "door" if number % 10 < 5 else "counter" if number % 10 < 8 else "button"


def register(count: int) -> list[dict[str, object]]:
    """Rows of the register."""
    return [
        {
            "id": f"{family_of(number)}-{number}",
            "family": family_of(number),
            "driver": "native",
            "address": f"native:{family_of(number)}-{number}",
            "name_zh": f"{number}",
            "name_en": f"{number}",
            "grid": f"grid-{number % 12}",
            "tags_json": '["entrance"]' if number % 50 == 0 else "[]",
            "gateway": f"gw-{number % GATEWAYS}",
            "added_ms": BEGIN_MS,
        }
        for number in range(count)
    ]


def _device(number: int, days: int, seed: int) -> Iterator[Entry]:
    """One device's entries by arrival, or nearly so."""
    random, family = Random(seed * 1_000_003 + number), family_of(number)
    name, gateway = f"{family}-{number}", f"gw-{number % GATEWAYS}"
    at_ms, open_, uses = float(BEGIN_MS), False, 0
    gap_ms = DAY_MS / STARTS_PER_DAY[family]
    while True:
        at_ms += random.expovariate(1 / gap_ms) if not open_ else random.uniform(4_000, 90_000)
        if random.random() < 0.0005:
            at_ms += random.uniform(1, 40) * 3_600_000  # it is dead for a while
        if at_ms >= BEGIN_MS + days * DAY_MS:
            return
        moment = int(at_ms)
        late = random.randrange(LATE_MS_MAX) if random.random() < LATE_SHARE else 300
        flags = DEVICE_TIME
        if family == "door":
            open_ = not open_
            readings = [Reading("contact", "open" if open_ else "closed", moment)]
        elif family == "counter":
            uses += random.randrange(1, 40)
            readings = [Reading("uses", uses, moment)]
        else:
            flags |= PRESS
            pressed = random.random() < 0.003
            readings = [Reading("press", "sos", moment)] if pressed else []
        readings += [Reading("battery", 20 + number % 80, moment), Reading("rssi", -90, moment)]
        entry = Entry(0, READING, name, moment + late, tuple(readings))
        yield entry._replace(gateway=gateway, flags=flags)


def _gateway(number: int, days: int, seed: int) -> Iterator[Entry]:
    random = Random(seed * 7_000_003 + number)
    for day in range(days):
        if random.random() < 0.1:
            gone_ms = BEGIN_MS + day * DAY_MS + random.randrange(DAY_MS // 2)
            for moment, there in (
                (gone_ms, False),
                (gone_ms + random.randrange(DAY_MS // 3), True),
            ):
                online = Reading("online", there, moment)
                yield Entry(0, READING, f"gw-{number}", moment + 50, (online,))


def streams(count: int, days: int, seed: int = 1) -> Iterator[Iterator[Entry]]:
    """The entries of each device and gateway, one after the other."""
    yield from (_device(number, days, seed) for number in range(count))
    yield from (_gateway(number, days, seed) for number in range(GATEWAYS))


def kept(count: int, days: int, seed: int = 1) -> Path:
    """The folder of such a hub: of an earlier run if there is one, else written now."""
    name = f"{count}-devices-{days}-days-seed-{seed}-form-{FORM}"
    folder = Path(tempfile.gettempdir()) / "community-hub-benchmarks" / name
    if not (folder / "hub.db").exists():
        write(folder, count, days, seed)
    return folder


def write(folder: Path, count: int, days: int, seed: int = 1) -> None:
    """A hub's database with that history; it has its name once it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "hub.db.part"
    part.unlink(missing_ok=True)
    engine = open_engine(f"sqlite:///{part}")
    migrate(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Whoever falls in the middle begins anew: nothing need be taken back or survive.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-262144"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.exec_driver_sql("BEGIN")
        connection.execute(devices.insert(), [*register(count), *_gateways()])
        _fill(connection, streams(count, days, seed))
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    engine.dispose()
    part.rename(folder / "hub.db")


def _gateways() -> list[dict[str, object]]:
    return [
        {"id": f"gw-{n}", "family": "gateway", "driver": "native", "address": f"gateway:gw-{n}"}
        | {"name_zh": f"gw-{n}", "name_en": f"gw-{n}", "grid": None, "tags_json": "[]"}
        | {"gateway": None, "added_ms": BEGIN_MS}
        for n in range(GATEWAYS)
    ]


def _fill(connection: Connection, devices_entries: Iterable[Iterator[Entry]]) -> None:
    """Device by device into a table beside, from there into the journal by arrival.

    Millions of entries at once would be gigabytes, which the garbage collector looks through again
    and again; SQLite sorts them in seconds.
    """
    columns = ", ".join(COLUMNS)
    connection.exec_driver_sql(f"CREATE TEMP TABLE heard ({columns})")
    insert = f"INSERT INTO heard VALUES ({', '.join('?' * len(COLUMNS))})"
    for entries in devices_entries:
        rows = [row_of(entry) for entry in entries]
        if rows:
            connection.exec_driver_sql(insert, rows)
    connection.exec_driver_sql(
        f"INSERT INTO journal ({columns}) SELECT {columns} FROM heard ORDER BY arrived_ms, rowid"
    )
    connection.exec_driver_sql("DROP TABLE heard")
