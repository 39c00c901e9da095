"""The residents, homes and devices of the invented community, the same at every start.

Buildings, units and public places stand in `site.yaml`. Who lives in them and what hangs on their
walls is put together here by a fixed seed: rows for `hub/register.py`, in its columns. More
buildings than the site has can be had for the simulator, when it is asked for thousands of devices.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

from sqlalchemy.engine import Connection

from hub.demo.names import CHILDREN, GIVEN, full_name
from hub.register import DEVICES, PLACES, RESIDENTS, Row, keep, keep_site
from hub.site import Place, Site, read_site

SITE_FILE = Path(__file__).with_name("site.yaml")
SEED = "huaiyin"
UNITS = 2
FLOORS = 18
HOMES_PER_UNIT = 4
ONE_MORE_EVERY_UNITS = 6  # every sixth unit has one home more: 100 homes in 24 units
COUPLE_EVERY_HOMES = 5  # every fifth home has two residents: 120 in 100 homes
BIRTH_YEARS = (1932, 1963)
BUILDINGS = 12

# tag: one resident in so many has it (ours)
TAGS = {"hard-of-hearing": 6, "wheelchair": 15, "heart-condition": 8, "dementia": 20}

# What of the first homes and grounds speaks another language than the hub's own, so that the demo
# shows several ecosystems: kind of device → driver by its place in the order of all of that kind.
FOREIGN = {
    "button": {3: "zigbee2mqtt", 11: "zigbee2mqtt", 7: "milesight_button", 19: "milesight_button"},
    "home": {3: "zigbee2mqtt", 11: "zigbee2mqtt", 7: "milesight_door", 19: "milesight_door"},
    "machine": {4: "milesight_em300_di", 14: "milesight_em300_di", 24: "milesight_em300_di"},
}

# ground: its machines (ours; ten kinds that most grounds in China have)
MACHINES = (
    ("漫步机", "Air walker"),
    ("椭圆机", "Elliptical trainer"),
    ("健骑机", "Rider"),
    ("扭腰器", "Waist twister"),
    ("上肢牵引器", "Arm stretcher"),
    ("太极揉推器", "Tai chi wheel"),
    ("蹬力器", "Leg press"),
    ("腹肌板", "Sit-up bench"),
    ("单杠", "Pull-up bar"),
    ("划船器", "Rower"),
)
GROUNDS = ("g1", "g2", "g3")

# id, family, place, tags, names: what hangs in the public places. By its tags the community's rules
# find it, by the first of them in order the simulator knows its role.
PUBLIC = (
    ("btn-daycare-hall-1", "button", "daycare/hall", "call", "活动厅呼叫按钮1", "Hall, call 1"),
    ("btn-daycare-hall-2", "button", "daycare/hall", "call", "活动厅呼叫按钮2", "Hall, call 2"),
    ("btn-daycare-rest-1", "button", "daycare/rest", "call", "休息室呼叫按钮1", "Rest room 1"),
    ("btn-daycare-rest-2", "button", "daycare/rest", "call", "休息室呼叫按钮2", "Rest room 2"),
    (
        *("door-daycare", "door", "daycare", "station station-day-care"),
        *("托老站大门", "Day-care station, door"),
    ),
    ("btn-health-ward", "button", "health/ward", "call", "观察室呼叫按钮", "Ward, call"),
    (
        *("door-health", "door", "health", "station station-health"),
        *("卫生服务站大门", "Health station, door"),
    ),
    (
        *("door-health-cabinet", "door", "health/pharmacy", "cabinet medicine-fridge"),
        *("药品冷藏柜", "Medicine fridge"),
    ),
    ("door-shop-cold", "door", "shop/cold-store", "cold-store", "冷库门", "Cold store, door"),
    ("door-shop-rear", "door", "shop", "rear", "便利店后门", "Shop, rear door"),
    ("door-culture", "door", "culture", "culture", "文化中心大门", "Culture centre, door"),
    ("door-culture-library", "door", "culture/library", "culture", "阅览室门", "Reading room"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Home:
    """One home of elders: building, unit, room, how many live there."""

    building: int
    unit: int
    room: str
    number: int  # in the order of all homes

    @property
    def place(self) -> str:
        """Its path."""
        return f"b{self.building}/u{self.unit}/{self.room}"

    @property
    def key(self) -> str:
        """Its part in ids; room numbers are unique within a building."""
        return f"b{self.building}-{self.room}"

    @property
    def residents(self) -> int:
        """One, or a couple."""
        return 2 if self.number % COUPLE_EVERY_HOMES == COUPLE_EVERY_HOMES - 1 else 1

    @property
    def grid(self) -> str:
        """Two buildings are one grid; buildings that the site does not know come round again."""
        return f"grid-{(self.building - 1) // 2 % 6 + 1}"


@dataclass(frozen=True, slots=True)
class Community:
    """Everything that `seed` writes."""

    site: Site
    homes: tuple[Place, ...]
    residents: tuple[Row, ...]
    devices: tuple[Row, ...]


@lru_cache(maxsize=1)
def community() -> Community:
    """The community of the demo: about 120 residents and 300 devices."""
    site = read_site(SITE_FILE)
    homes = [home for home in _homes() if home.building <= BUILDINGS]
    return Community(
        site,
        tuple(map(_home_place, homes)),
        tuple(row for home in homes for row in _residents(home)),
        tuple(_devices(homes, BUILDINGS)),
    )


def device_rows(number: int) -> list[Row]:
    """So many devices that send (gateways come on top): the community's, then further buildings'.

    Fewer than the community has are a sample of all kinds, the same one every time.
    """
    rows = list(community().devices)
    senders = [row for row in rows if row["family"] != "gateway"]
    if number <= len(senders):
        senders = Random(SEED).sample(senders, number)
    for building in count(BUILDINGS + 1):
        if len(senders) >= number:
            break
        homes = [home for unit in range(1, UNITS + 1) for home in _unit_homes(building, unit)]
        senders.extend(row for row in _building(building, homes) if row["family"] != "gateway")
    senders = senders[:number]
    used = {row["gateway"] for row in senders}
    known = [row for row in rows if row["family"] == "gateway" and row["id"] in used]
    return senders + known


def seed(connection: Connection, now_ms: int) -> None:
    """Write the community into the database; a second time changes nothing."""
    everything = community()
    keep_site(connection, everything.site, now_ms)
    keep(connection, PLACES, [asdict(place) for place in everything.homes], now_ms)
    keep(connection, RESIDENTS, everything.residents, now_ms)
    keep(connection, DEVICES, everything.devices, now_ms)


def _homes() -> Iterator[Home]:
    for building in range(1, BUILDINGS + 1):
        for unit in range(1, UNITS + 1):
            yield from _unit_homes(building, unit)


def _unit_homes(building: int, unit: int) -> Iterator[Home]:
    nth = (building - 1) * UNITS + unit - 1
    before = nth * HOMES_PER_UNIT + -(-nth // ONE_MORE_EVERY_UNITS)
    homes = HOMES_PER_UNIT + (nth % ONE_MORE_EVERY_UNITS == 0)
    rng = Random(f"{SEED}/rooms/{building}/{unit}")
    for offset, floor in enumerate(sorted(rng.sample(range(1, FLOORS + 1), homes))):
        room = f"{floor}{rng.choice((1, 2)) + 2 * (unit - 1):02}"
        yield Home(building, unit, room, before + offset)


def _home_place(home: Home) -> Place:
    zh = f"{home.building}号楼{home.unit}单元{home.room}室"
    en = f"Building {home.building}, unit {home.unit}, room {home.room}"
    return Place(home.place, "home", zh, en, home.grid)


def _residents(home: Home) -> Iterator[Row]:
    for nth in range(home.residents):
        rng = Random(f"{SEED}/resident/{home.place}/{nth}")
        name, birth_year = full_name(rng, GIVEN), rng.randint(*BIRTH_YEARS)
        yield {
            "id": _resident_id(home, nth),
            "name": name,
            "birth_year": birth_year,
            "place": home.place,
            "grid": home.grid,
            "phone": f"0374-555{1000 + 10 * home.number + nth}",
            "tags_json": _json(_resident_tags(home, birth_year, rng)),
            "contacts_json": _json(_contacts(rng, name)),
            "notes": None,
        }


def _resident_id(home: Home, nth: int) -> str:
    return f"r-{home.key}" + ("" if nth == 0 else f"-{nth + 1}")


def _resident_tags(home: Home, birth_year: int, rng: Random) -> list[str]:
    tags = [tag for tag, one_in in TAGS.items() if rng.randrange(one_in) == 0]
    tags += ["lives-alone"] if home.residents == 1 else []
    tags += ["over-80"] if birth_year < 1946 else []
    return sorted(tags)


def _contacts(rng: Random, name: str) -> list[dict[str, str]]:
    relation = rng.choice(("儿子 son", "女儿 daughter"))
    phone = f"0374-555{rng.randint(5000, 9999)}"
    child = full_name(rng, CHILDREN, name[0])
    return [{"name": child, "relation": relation, "phone": phone}]


def _devices(homes: list[Home], buildings: int) -> Iterator[Row]:
    for building in range(1, buildings + 1):
        yield from _building(building, [home for home in homes if home.building == building])
    for number in range(len(GROUNDS) * len(MACHINES)):
        yield _machine(number)
    for ground in GROUNDS:
        yield _gateway(ground, ground, None)
    for device, family, place, tags, zh, en in PUBLIC:
        yield _device(
            device, family, (zh, en), tags.split(), place=place, grid="grid-7", gateway="gw-centre"
        )
    yield _gateway("centre", "office", "grid-7")


def _building(building: int, homes: list[Home]) -> Iterator[Row]:
    gateway, grid = f"gw-b{building}", homes[0].grid
    for unit in range(1, UNITS + 1):
        names = f"{building}号楼{unit}单元门", f"Building {building}, unit {unit}, door"
        yield _device(
            f"door-b{building}-u{unit}", "door", names, ["entrance"],
            place=f"b{building}/u{unit}", grid=grid, gateway=gateway,
        )  # fmt: skip
    for home in homes:
        yield from _home_devices(home, gateway)
    yield _gateway(f"b{building}", f"b{building}", grid)


def _home_devices(home: Home, gateway: str) -> Iterator[Row]:
    zh, en = f"{home.building}号楼{home.room}室", f"Building {home.building}, room {home.room}"
    yield _device(
        f"door-{home.key}", "door", (f"{zh}户门", f"{en}, home door"), ["home"],
        driver=FOREIGN["home"].get(home.number, "native"), resident_id=_resident_id(home, 0),
        place=home.place, grid=home.grid, gateway=gateway,
    )  # fmt: skip
    for nth in range(home.residents):
        driver = FOREIGN["button"].get(home.number, "native") if nth == 0 else "native"
        suffix, number = ("", "") if nth == 0 else (f"-{nth + 1}", f" {nth + 1}")
        names = f"{zh}紧急按钮{number}", f"{en}, emergency button{number}"
        yield _device(
            f"btn-{home.key}{suffix}", "button", names, ["bedside"],
            driver=driver, resident_id=_resident_id(home, nth),
            place=home.place, grid=home.grid, gateway=gateway,
        )  # fmt: skip


def _machine(number: int) -> Row:
    nth_ground, nth = divmod(number, len(MACHINES))
    ground, driver = GROUNDS[nth_ground], FOREIGN["machine"].get(number, "native")
    return _device(
        f"gym-{ground}-{nth + 1:02}", "counter", MACHINES[nth], ["fitness"],
        driver=driver, place=ground, ground=ground, gateway=f"gw-{ground}",
    )  # fmt: skip


def _gateway(key: str, place: str, grid: str | None) -> Row:
    names = f"网关 {key}", f"Gateway {key}"
    return _device(f"gw-{key}", "gateway", names, [], place=place, grid=grid)


def _device(
    device: str,
    family: str,
    names: tuple[str, str],
    tags: list[str],
    driver: str = "native",
    **more: str | None,
) -> Row:
    return {
        "id": device,
        "family": family,
        "driver": driver,
        "address": _address(device, driver),
        "name_zh": names[0],
        "name_en": names[1],
        "tags_json": _json(sorted(tags)),
        "grid": None,
        "ground": None,
        "resident_id": None,
        "gateway": None,
        "code": _digest(device)[:8].upper(),
        **more,
    }


def _address(device: str, driver: str) -> str:
    if driver in ("native", "zigbee2mqtt"):
        return f"{driver}:{device}"
    return f"lorawan:{_digest(device)[:16]}"


def _digest(text: str) -> str:
    return sha256(f"{SEED}/{text}".encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
