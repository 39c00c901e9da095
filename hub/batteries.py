"""Batteries: how full each is, when it will be empty, and whose turn it is on one walk.

Percent is what the curve of the cell that its owner named makes of its volts, else what the device
or its driver says (`device_drivers/cells.py`).
The list is made for a round through a grid: what is flat first, then by who depends on it: the
button of somebody who lives alone before another button, a button before a door, a door before a
machine.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from device_drivers.cells import percent_of
from hub.coverage import battery_percent, its_own, lives_of_devices
from hub.database import device_days, devices, grids, latest, places, residents
from hub.settings import Settings
from hub.survey import day_before
from rules.battery import Forecast, Sample, Wants, forecast

LIVES_ALONE = "lives-alone"
# Who depends on a device, the most first; the words are what pages say.
DEPENDS = ("alone_button", "button", "alone_door", "door", "gateway", "counter")

_tags = msgspec.json.Decoder(list[str]).decode


@dataclass(frozen=True, slots=True)
class Battery:
    """The battery of one device. `depends` is one of `DEPENDS`; `empty_on` is None: not known."""

    device: str
    family: str
    name_zh: str
    name_en: str
    place: str | None
    place_zh: str | None
    place_en: str | None
    grid: str | None
    grid_zh: str | None
    grid_en: str | None
    resident_id: str | None
    depends: str
    cell: str | None
    percent: float | None
    volts: float | None
    low: bool
    flat: bool
    said_ms: int
    empty_on: date | None
    per_day: float | None

    def is_due(self, soon: date) -> bool:
        """Should it be changed on the next round? `soon`: whose end comes before that day."""
        return self.flat or self.low or (self.empty_on is not None and self.empty_on <= soon)

    @property
    def urgency(self) -> tuple[Any, ...]:
        """What comes first on a round."""
        level = 0 if self.flat else 1 if self.low else 2
        days = self.empty_on.toordinal() if self.empty_on else date.max.toordinal()
        percent = 100.0 if self.percent is None else self.percent
        return (level, DEPENDS.index(self.depends), days, percent, self.place or "", self.device)


def find_batteries(connection: Connection, settings: Settings, now_ms: int) -> list[Battery]:
    """Every device that has said something of its battery, by grid, the most urgent first."""
    samples = _samples(connection, settings, now_ms)
    found = [
        one
        for row in connection.execute(_query()).mappings()
        if (one := _battery(row, samples.get(row["id"], []), settings)) is not None
    ]
    return sorted(found, key=lambda one: (one.grid or "", one.urgency))


def _query() -> sa.Select[Any]:
    lives = lives_of_devices()
    return (
        sa.select(
            devices,
            sa.func.coalesce(devices.c.grid, places.c.grid).label("its_grid"),
            latest.c.points_json,
            lives.c.swapped_ms,
            residents.c.tags_json.label("resident_tags_json"),
            places.c.name_zh.label("place_zh"),
            places.c.name_en.label("place_en"),
            grids.c.name_zh.label("grid_zh"),
            grids.c.name_en.label("grid_en"),
        )
        .join(latest, latest.c.device == devices.c.id)
        .outerjoin(lives, lives.c.device == devices.c.id)
        .outerjoin(places, places.c.path == devices.c.place)
        .outerjoin(residents, residents.c.id == devices.c.resident_id)
        .outerjoin(grids, grids.c.id == sa.func.coalesce(devices.c.grid, places.c.grid))
    )


Said = tuple[int, float | None, float | None]  # day, percent, volts


def _battery(row: Mapping[Any, Any], samples: list[Said], settings: Settings) -> Battery | None:
    points = its_own(row["points_json"], row["swapped_ms"])
    said = [points[name] for name in ("battery", "battery_v", "battery_low") if name in points]
    if not said:
        return None
    cell: str | None = row["cell"]
    percent = battery_percent(points, cell)
    foreseen = _foresee(samples, cell, settings)
    volts = points.get("battery_v", (None, 0))[0]
    flat = percent is not None and percent <= settings.battery_flat_percent
    low = points.get("battery_low", (False, 0))[0] is True
    shown = ("family", "name_zh", "name_en", "place", "place_zh", "place_en", "grid_zh", "grid_en")
    return Battery(
        device=row["id"],
        **{name: row[name] for name in shown},
        grid=row["its_grid"],
        resident_id=row["resident_id"],
        depends=_depends(row),
        cell=cell,
        percent=percent,
        volts=None if volts is None else float(volts),
        low=low or (percent is not None and percent < settings.battery_low_percent),
        flat=flat,
        said_ms=max(at for _value, at in said),
        empty_on=None if foreseen is None else date.fromordinal(foreseen.empty_day),
        per_day=None if foreseen is None else round(foreseen.per_day, 3),
    )


def _depends(row: Mapping[Any, Any]) -> str:
    alone = LIVES_ALONE in _tags(row["resident_tags_json"] or "[]")
    family: str = row["family"]
    return f"alone_{family}" if alone and f"alone_{family}" in DEPENDS else family


def _samples(connection: Connection, settings: Settings, now_ms: int) -> dict[str, list[Said]]:
    """What every device said, oldest first."""
    query = (
        sa.select(
            device_days.c.device, device_days.c.day, device_days.c.battery, device_days.c.battery_v
        )
        .where(
            device_days.c.day >= day_before(now_ms, settings.battery_forecast_days_max),
            sa.or_(device_days.c.battery.is_not(None), device_days.c.battery_v.is_not(None)),
        )
        .order_by(device_days.c.day)
    )
    found: dict[str, list[Said]] = defaultdict(list)
    for device, day, percent, volts in connection.execute(query):
        found[device].append((date.fromisoformat(day).toordinal(), percent, volts))
    return found


def _foresee(days: list[Said], cell: str | None, settings: Settings) -> Forecast | None:
    said = [
        (day, percent if volts is None or cell is None else percent_of(volts, cell))
        for day, percent, volts in days
    ]
    samples = [Sample(day, percent) for day, percent in said if percent is not None]
    return forecast(samples, forecast_wants(settings))


def forecast_wants(settings: Settings) -> Wants:
    """What is asked for before a day is named."""
    return Wants(
        settings.battery_forecast_days_min,
        settings.battery_forecast_samples_min,
        settings.battery_changed_percent,
        settings.battery_flat_percent,
    )
