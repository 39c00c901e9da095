"""The bridge's list of devices (`bridge/devices`) as announcements, and what a device can show.

Of a device's "exposes" the document keeps what its messages are read by, and the one property that
can show its person that somebody has heard.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from device_drivers.driver import Announcement, Document, Publication, Sign, Unreadable
from device_drivers.names import NAME_CHARACTERS_MAX
from device_drivers.points import shown
from device_drivers.zigbee2mqtt.properties import press_of

NAME = "zigbee2mqtt"
BASE = "zigbee2mqtt/"
BRIDGE = f"{NAME}:bridge"
DEVICE = "device"  # the part under which a device's document is kept
NAMES = "names"  # the part under which the bridge's list of names is kept
DEVICES_MAX = 1_000
WRITABLE = 2  # a bit of an expose's `access`

Expose = Mapping[str, Any]

# Warning modes from the mildest that can be heard; sirens differ in which they have.
WARNING_MODES = ("emergency", "burglar", "fire", "police_panic", "emergency_panic", "fire_panic")
# Words of a property with a choice, from the gentlest, and those that end it.
SIGNS_OF_LIFE = ("beep", "light", "alarm_light", "blink", "on", "ON", "sound", "alarm", "ring")
ENDS = ("stop", "off", "OFF", "normal", "mute", "IDLE")
SHOWN_BY = ("led", "warning", "buzzer", "alarm", "identify")
WARNING_S = {"heard": 1, "on_the_way": 2, "nobody": 5}


def announce(body: Any, before: Document) -> tuple[Announcement, ...]:
    """An announcement for every device of the list, and those that are gone taken back."""
    if not isinstance(body, list):
        raise Unreadable(f"expected a list of devices, not {shown(body)}")
    devices = [one for row in body[:DEVICES_MAX] if (one := _device(row)) is not None]
    names = [one.key for one in devices]
    kept = before.get(NAMES)
    known = kept.get("all", ()) if isinstance(kept, Mapping) else ()
    gone = [Announcement(key, DEVICE) for key in known if key not in names]
    return (*devices, *gone, Announcement(BRIDGE, NAMES, {"all": names} if names else {}))


def _device(row: Any) -> Announcement | None:
    """One row: since version 1.17 with a `definition`, before that flat."""
    if not isinstance(row, dict) or row.get("type") == "Coordinator":
        return None
    name = _text(row.get("friendly_name"))
    if name is None:
        return None
    definition = row.get("definition")
    about = definition if isinstance(definition, dict) else row
    exposes = list(_flat(about.get("exposes")))
    maker = _text(about.get("vendor")) or _text(row.get("manufacturer"))
    model = _text(about.get("model")) or _text(row.get("model_id"))
    address = f"{NAME}:{name}"
    return Announcement(
        address,
        DEVICE,
        {"maker": maker, "model": model, **_document(exposes)},
        _topics(name),
        address,
        family_of(exposes),
        name,
        maker,
        model,
        NAME,
    )


def _topics(name: str) -> tuple[str, ...]:
    """Topics of a name with slashes, which the driver's own filters do not reach."""
    plain = name.isprintable() and "+" not in name and "#" not in name
    return (f"{BASE}{name}", f"{BASE}{name}/availability") if "/" in name and plain else ()


def _text(value: Any) -> str | None:
    is_text = isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX
    return value if is_text and value.isprintable() else None


def _flat(exposes: Any) -> Iterator[Expose]:
    """Exposes, and those inside a light, a switch, a lock."""
    for one in exposes if isinstance(exposes, list) else ():
        if isinstance(one, dict):
            yield one
            if "property" not in one:
                yield from _flat(one.get("features"))


def _property(one: Expose) -> str:
    name = one.get("property", one.get("name"))
    return name if isinstance(name, str) else ""


def _values(one: Expose) -> list[str]:
    values = one.get("values")
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _document(exposes: list[Expose]) -> dict[str, Any]:
    """What differs from what all models have in common."""
    by_name = {_property(one): one for one in exposes}
    document: dict[str, Any] = {}
    contact = by_name.get("contact", {})
    if contact.get("value_on") not in (None, False):
        document["contact"] = {"on": contact["value_on"], "off": contact.get("value_off")}
    if "battery" in by_name or "battery_low" in by_name:
        document["cell"] = True
    if _is_remote(by_name):
        document["remote"] = True
    shows = next((_show(by_name[name]) for name in SHOWN_BY if _can(by_name.get(name))), None)
    return {**document, "show": shows} if shows else document


def _is_remote(by_name: Mapping[str, Expose]) -> bool:
    """A remote control whose keys have no word for a press: `on`, `off`, `brightness_move_up`."""
    values = _values(by_name.get("action", {}))
    others = ("state", "occupancy", "presence", "contact", "lock_state", "vibration")
    return (
        bool(values)
        and not any(press_of(value) for value in values)
        and not any(name in by_name for name in others)
    )


def _can(one: Expose | None) -> bool:
    if one is None or type(one.get("access")) is not int or not one["access"] & WRITABLE:
        return False
    return _show(one) is not None


def _show(one: Expose) -> dict[str, Any] | None:
    """The property by which a device shows something, with its words for on and off."""
    name = _property(one)
    if name == "warning":
        modes = next((_values(inner) for inner in _inside(one) if _property(inner) == "mode"), [])
        mode = next((mode for mode in WARNING_MODES if mode in modes), None)
        return {"by": name, "mode": mode} if mode else None
    if name == "identify":
        return {"by": name, "on": "identify", "off": None} if _values(one) else None
    if one.get("type") == "binary":
        return {"by": name, "on": one.get("value_on"), "off": one.get("value_off")}
    on = next((word for word in SIGNS_OF_LIFE if word in _values(one)), None)
    off = next((word for word in ENDS if word in _values(one)), None)
    return {"by": name, "on": on, "off": off} if on else None


def _inside(one: Expose) -> list[Expose]:
    features = one.get("features")
    return [inner for inner in features if isinstance(inner, dict)] if features else []


def family_of(exposes: list[Expose]) -> str | None:
    """What the device most likely is; a keypad with a panic key is a button, whatever else."""
    by_name = {_property(one): one for one in exposes}
    kinds = {press_of(value) for value in _values(by_name.get("action", {}))}
    if "sos" in kinds or not by_name.keys().isdisjoint(("sos", "sos_alarm")):
        return "button"
    if not by_name.keys().isdisjoint(("contact", "garage_door_contact")):
        return "door"
    if "action" in by_name and "state" not in by_name:
        return "counter" if "vibration" in by_name else "button"
    is_counter = not by_name.keys().isdisjoint(("vibration", "people", "pulse_count"))
    return "counter" if is_counter else None


def show(sign: Sign, name: str, document: Document) -> Publication | None:
    """A command that shows a person the sign, where the device can show something."""
    about = document.get(DEVICE, document)
    shows = about.get("show") if isinstance(about, Mapping) else None
    if not isinstance(shows, Mapping):
        return None
    value = _warning(sign, shows) if shows["by"] == "warning" else _word(sign, shows)
    if value is None:
        return None
    body = json.dumps({shows["by"]: value}, separators=(",", ":"))
    return Publication(f"{BASE}{name}/set", body.encode())


def _warning(sign: Sign, shows: Mapping[str, Any]) -> dict[str, Any]:
    """A short one at the lowest level; it ends by itself, or at once when somebody is there."""
    if sign not in WARNING_S:
        return {"mode": "stop", "strobe": False}
    return {"mode": shows["mode"], "level": "low", "strobe": True, "duration": WARNING_S[sign]}


def _word(sign: Sign, shows: Mapping[str, Any]) -> Any:
    """On from the moment that somebody has heard, off when it is over or nobody comes."""
    return shows["on"] if sign in ("heard", "on_the_way") else shows["off"]
