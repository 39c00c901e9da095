"""Tasmota's own discovery: `tasmota/discovery/{mac}/config` says how a device's words are read.

Keys of the document: `t` topic, `ft` full topic, `tp` the prefixes for commands, states, telemetry,
`swc` and `swn` mode and name of each switch, `state` the words for off, on, toggle, hold, `onln`
and `ofln` those of the last will.
"""

from typing import Any, NamedTuple

from device_drivers.driver import Announcement, Document, Unreadable
from device_drivers.names import NAME_CHARACTERS_MAX, is_name
from device_drivers.points import shown

CONFIG, SENSORS = "config", "sensors"
KEPT = ("t", "ft", "tp", "swc", "swn", "state", "onln", "ofln", "mac")
COMMAND, STATE, TELEMETRY = range(3)
TELEMETRY_LEAVES = ("SENSOR", "STATE", "RESULT", "LWT")
STATE_LEAVES = ("RESULT", "STATUS8", "STATUS10")
FULL_TOPIC_CHARACTERS_MAX = 256
STANDARD = ("%prefix%/%topic%/", "%topic%/%prefix%/")
STANDARD_PREFIXES = ["cmnd", "stat", "tele"]
STATE_WORDS = ("OFF", "ON", "TOGGLE", "HOLD")
SWITCHES_MAX = 28


class Way(NamedTuple):
    """What a topic says: the device, `tele` or `stat`, what the message is, a device behind it."""

    device: str
    prefix: str
    leaf: str
    sub: str = ""


def announced(address_of: str, mac: str, body: dict[str, Any]) -> list[Announcement]:
    """What one `config` announces. An empty body takes it back, and then nothing tells the name."""
    config = {key: body[key] for key in KEPT if key in body}
    topics = _topics(config)
    first = Announcement(
        f"{address_of}:{_device(body)}",
        CONFIG,
        config,
        topics=tuple(topics),
        address=f"{address_of}:{_device(body)}",
        name=_text(body.get("dn")),
        maker="Tasmota",
        model=_text(body.get("md")),
    )
    by_mac = Announcement(f"{address_of}-mac:{mac}", CONFIG, {"t": _device(body)})
    if _is_standard(config):
        return [first, by_mac]
    ways = [Announcement(topic, CONFIG, way._asdict()) for topic, way in topics.items()]
    return [first, by_mac, *ways]


def _device(body: dict[str, Any]) -> str:
    name = body.get("t")
    if isinstance(name, str) and is_name(name):
        return name
    raise Unreadable(f"t: expected the device's topic, not {shown(name)}")


def _text(value: Any) -> str | None:
    """A name for the form, cut to what a form can hold."""
    return value[:NAME_CHARACTERS_MAX] if isinstance(value, str) and value.isprintable() else None


def _is_standard(config: dict[str, Any]) -> bool:
    return config.get("ft") in STANDARD and config.get("tp") == STANDARD_PREFIXES


def _topics(config: dict[str, Any]) -> dict[str, Way]:
    """Every topic that matters, and what it is."""
    device = str(config["t"])
    leaves = [(TELEMETRY, "tele", leaf) for leaf in TELEMETRY_LEAVES]
    leaves += [(STATE, "stat", leaf) for leaf in STATE_LEAVES]
    topics: dict[str, Way] = {}
    for prefix, word, leaf in leaves:
        base = full_topic(config, prefix)
        if base is not None:
            topics[base + leaf] = Way(device, word, leaf)
    return topics


def full_topic(config: Document, prefix: int) -> str | None:
    """The device's topic up to the last slash, for one of its three prefixes."""
    shape, prefixes, mac = config.get("ft"), config.get("tp"), str(config.get("mac", ""))
    if not isinstance(shape, str) or not isinstance(prefixes, list) or len(prefixes) <= prefix:
        return None
    topic = shape.replace("%prefix%", str(prefixes[prefix])).replace("%topic%", str(config["t"]))
    topic = topic.replace("%id%", mac[-6:])
    fits = topic.isprintable() and not set(topic) & set("+#%")
    return (
        topic if topic.endswith("/") and fits and len(topic) <= FULL_TOPIC_CHARACTERS_MAX else None
    )


def way_of(document: Document) -> Way | None:
    """What was announced for a topic of its own."""
    try:
        return Way(**{key: str(value) for key, value in document.items()})
    except TypeError:
        return None


def switch_named(config: Document, name: str) -> int | None:
    """The number of a switch from its name in messages, counted from 0."""
    names = config.get("swn")
    if isinstance(names, list) and name in names:
        return names.index(name)
    digits = name.removeprefix("Switch")
    if digits != name and digits.isascii() and digits.isdigit() and len(digits) <= 2:
        return int(digits) - 1
    return None


def mode_of(config: Document, switch: int | None) -> int | None:
    """The mode of a switch, if the device announced it."""
    modes = config.get("swc")
    if switch is None or not isinstance(modes, list) or not 0 <= switch < len(modes):
        return None
    return modes[switch] if type(modes[switch]) is int else None


def standard_word(config: Document, word: str) -> str:
    """The standard word for one that the owner chose (`StateText`)."""
    own = config.get("state")
    if isinstance(own, list) and word in own[: len(STATE_WORDS)]:
        return STATE_WORDS[own.index(word)]
    return word
