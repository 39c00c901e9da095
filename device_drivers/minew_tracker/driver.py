"""Minew MTB04: a tracker that reports in CBOR; of it the battery is ours."""

from typing import Any

from device_drivers.cbor import read_cbor
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading, shown

PLACE = ("pld", "stat", "batt")


def decode(frame: Frame) -> Found:
    """Head and report; the battery under `pld.stat.batt`: `pct` in percent, `vol` in mV."""
    body = read_cbor(frame.payload or b"")
    if not isinstance(body, dict) or "hdr" not in body:
        raise Unreadable(f"expected a report with a head, not {shown(body)}")
    return Found(tuple(reading(point, value) for point, value in _battery(body)))


def _battery(body: Any) -> list[tuple[str, Any]]:
    for key in PLACE:
        body = body.get(key) if isinstance(body, dict) else None
    if not isinstance(body, dict):
        return []
    found = [("battery", body["pct"])] if "pct" in body else []
    millivolts = body.get("vol")
    if type(millivolts) is int:
        found.append(("battery_v", millivolts / 1_000))
    return found


DRIVER = Driver(
    name="minew_tracker",
    families=("sensor",),
    maker="Minew",
    models=("mtb04*",),
    transport="lorawan",
    points=("battery", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "no downlink that it would show is published"),
    tested="frames",
    decode=decode,
)
