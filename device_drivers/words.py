"""What a name chosen by somebody means: one table for all ecosystems whose names are free.

Metrics of Sparkplug B, properties of Homie, records of SenML, entities of ESPHome, identifiers of
a platform's products: nobody lists them, but they are made of the same words. A name is taken
apart into words (`leg_press_total`, `Contact/Open`, `batteryLevel`), the first row of the table
that fits says which point it is, and the value is read as that point has it. A name that no row
fits is nothing of ours; a value that the point cannot have is unreadable. Words that make a name a
setting or a statistic (`press_duration`, `reboot_count`) rule it out beforehand.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, NamedTuple

from device_drivers.driver import Unreadable
from device_drivers.points import CHANNELS_MAX, reading, shown
from device_drivers.reading import Reading, Value

Words = frozenset[str]
Pairs = list[tuple[str, Value]]
NAMES_REMEMBERED_MAX = 4_096
NAME_CHARACTERS_MAX = 256

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")

# How a button was pressed, by a word of its own.
PRESS_OF_WORD = {
    **dict.fromkeys(("sos", "emergency", "panic", "fire", "help"), "sos"),
    **dict.fromkeys(("single", "click", "clicked", "once", "tap", "bell"), "single"),
    **dict.fromkeys(("press", "pressed", "short", "push", "pushed", "initial"), "single"),
    **dict.fromkeys(("double", "twice"), "double"),
    **dict.fromkeys(("triple", "tripple", "treble"), "triple"),
    **dict.fromkeys(("quadruple", "quad"), "quadruple"),
    **dict.fromkeys(("quintuple", "many", "multiple", "multi"), "many"),
    **dict.fromkeys(("hold", "long", "held", "longpress", "longpush"), "long"),
    **dict.fromkeys(("fall", "fallen"), "fall"),
}
# `button_long_press` has two words that could be a kind: the one that says more is right.
_KINDS_BY_WEIGHT = ("sos", "fall", "many", "quadruple", "triple", "double", "long", "single")
# Words that make an action no press, whatever stands beside them.
NO_PRESS_WORDS = frozenset(("release", "released", "none", "vibration"))
_IDLE_WORDS = frozenset(("idle", "normal", "ok", "clear", "cleared", "inactive", "null", "no"))

_TRUE = frozenset(("true", "on", "1", "yes", "active", "activated", "detected", "alarm", "alert"))
_FALSE = frozenset(("false", "off", "0", "no", "inactive", "clear", "cleared", "normal", "idle"))
_FALSE_TOO = frozenset(("ok", "none", "undetected"))
_OPEN = frozenset(("open", "opened", "opening", "ajar", "unclosed"))
_CLOSED = frozenset(("closed", "close", "shut"))


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def words_of(name: str) -> tuple[str, ...]:
    """The words in a name, small: `SOSButton_2` → sos, button, 2."""
    return tuple(word.lower() for word in _WORD.findall(name[:NAME_CHARACTERS_MAX]))


def press_of(action: str) -> str | None:
    """How a button was pressed, out of an action's words (`1_double`, `on_press`); None: not.

    `hold` is a long press; `release`, and everything beside it, is none.
    """
    words = words_of(action)
    if not NO_PRESS_WORDS.isdisjoint(words):
        return None
    kinds = {PRESS_OF_WORD[word] for word in words if word in PRESS_OF_WORD}
    return next((kind for kind in _KINDS_BY_WEIGHT if kind in kinds), None)


def flag_of(value: Any) -> bool:
    """True or false, in whichever words. Raises `Unreadable`."""
    if isinstance(value, bool):
        return value
    text = _text(value)
    if text in _TRUE:
        return True
    if text in _FALSE or text in _FALSE_TOO:
        return False
    raise Unreadable(f"expected true or false, on or off, not {shown(value)}")


def number_of(value: Any) -> float:
    """A finite number, also one written as text. Raises `Unreadable`."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Unreadable(f"expected a number, not {shown(value)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"expected a number, not {shown(value)}")
    if isinstance(value, float) and not isfinite(value):
        raise Unreadable(f"expected a finite number, not {shown(value)}")
    return value


def whole_of(value: Any) -> int:
    """A whole number, also as text or with a nought behind its point. Raises `Unreadable`."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
        return int(value)
    number = number_of(value)
    if number == int(number):
        return int(number)
    raise Unreadable(f"expected a whole number, not {shown(value)}")


def _text(value: Any) -> str:
    return str(value).strip().lower() if isinstance(value, str | int | float) else ""


class Naming(NamedTuple):
    """A name's words, its number, the unit beside it, and what `contact: true` means there."""

    words: Words
    channel: int | None
    unit: str
    made: Literal["open", "closed"]


Read = Callable[[Any, Naming], Pairs]


class Row(NamedTuple):
    """One meaning: a word of `words` must be there, one of `beside` too, none of `without`."""

    point: str
    read: Read
    words: Words
    beside: Words = frozenset()
    without: Words = frozenset()
    units: Words = frozenset()


def _flag(point: str, *, inverted: bool = False) -> Read:
    def read_flag(value: Any, _naming: Naming) -> Pairs:
        return [(point, flag_of(value) is not inverted)]

    return read_flag


def _number(point: str, factors: dict[str, float] | None = None) -> Read:
    def read_number(value: Any, naming: Naming) -> Pairs:
        number = number_of(value)
        factor = (factors or {}).get(naming.unit)
        return [(point, number if factor is None else number * factor)]

    return read_number


def _total(point: str) -> Read:
    def read_total(value: Any, naming: Naming) -> Pairs:
        return [(_numbered(point, naming), whole_of(value))]

    return read_total


def _numbered(point: str, naming: Naming) -> str:
    """The point of one of several inputs, where the name has a number."""
    is_channel = naming.channel is not None and 1 <= naming.channel <= CHANNELS_MAX
    return f"{point}_{naming.channel}" if is_channel else point


def _battery_state(value: Any, _naming: Naming) -> Pairs:
    """A cell's state in a word; a word that nobody knows is unreadable."""
    text = _text(value)
    if text in _BATTERY_STATES:
        return [("battery_low", _BATTERY_STATES[text])]
    raise Unreadable(f"expected low, middle, high or normal, not {shown(value)}")


def _people(value: Any, _naming: Naming) -> Pairs:
    return [("people", whole_of(value))]


def _contact(value: Any, naming: Naming) -> Pairs:
    """By the state's own word; a flag by the word in the name that it answers to."""
    text = _text(value) if isinstance(value, str) else ""
    if text in _OPEN or text in _CLOSED:
        is_open = text in _OPEN
    else:
        is_open = flag_of(value) is (_made(naming) == "open")
    return [(_numbered("contact", naming), "open" if is_open else "closed")]


def _made(naming: Naming) -> str:
    """What "true" says of the door."""
    if naming.words & _OPEN:
        return "open"
    if naming.words & _CLOSED:
        return "closed"
    return naming.made if naming.words & {"contact", "reed", "magnet"} else "open"


def _sos(value: Any, _naming: Naming) -> Pairs:
    """However an SOS is pressed, it is one; a state that says no is none."""
    return [("press", "sos")] if _is_pressed(value) else []


def _fall(value: Any, _naming: Naming) -> Pairs:
    return [("press", "fall")] if _is_pressed(value) else []


def _is_pressed(value: Any) -> bool:
    if isinstance(value, str) and (press_of(value) or _is_idle(value)):
        return press_of(value) is not None
    return flag_of(value)


def _is_idle(value: str) -> bool:
    words = frozenset(words_of(value))
    return not words or not words.isdisjoint(NO_PRESS_WORDS | _IDLE_WORDS)


def _press(value: Any, _naming: Naming) -> Pairs:
    """The kind where the value says it, else one press."""
    if isinstance(value, str):
        kind = press_of(value)
        if kind is not None:
            return [("press", kind)]
        if _is_idle(value):
            return []
    return [("press", "single")] if flag_of(value) else []


def _battery(value: Any, naming: Naming) -> Pairs:
    """Percent; a number with a broken part and no unit beside it is most likely volts."""
    number = number_of(value)
    if not naming.unit and number < 5 and number != int(number):
        raise Unreadable(f"battery: {shown(value)} without a unit may be volts or percent")
    return [("battery", number * 100 if naming.unit == "/" else number)]


def _cell(value: Any, naming: Naming) -> Pairs:
    """Volts, as the unit says; without one, thousands are millivolts."""
    number = number_of(value)
    millivolts = naming.unit == "mv" or bool(naming.words & {"mv", "millivolt", "millivolts"})
    if millivolts or (not naming.unit and number >= MILLIVOLTS_MIN):
        number /= 1_000
    return [("battery_v", number)]


def _supply(value: Any, naming: Naming) -> Pairs:
    """A voltage that no battery stands beside: a cell's, unless it is a mains voltage."""
    pairs = _cell(value, naming)
    return [] if number_of(pairs[0][1]) > CELL_VOLTS_MAX else pairs


def _temperature(value: Any, naming: Naming) -> Pairs:
    number = number_of(value)
    if naming.unit in ("f", "°f"):
        number = round((number - 32) / 1.8, 3)
    return [("temperature", number)]


_BATTERY_STATES = {
    **dict.fromkeys(("low", "critical", "empty", "weak"), True),
    **dict.fromkeys(("middle", "medium", "high", "normal", "ok", "good", "full"), False),
}
MILLIVOLTS_MIN = 500
CELL_VOLTS_MAX = 60

_BATTERY = frozenset(("battery", "batt", "bat", "accu", "vbat", "vbatt"))
_COUNTS = frozenset(("count", "counts", "counter", "counters", "total", "totals", "pulses"))
_USES = frozenset(("reps", "repetitions", "strokes", "uses", "usages", "cycles", "laps", "pulse"))
_DOORS = frozenset(("door", "window", "gate", "drawer", "cabinet", "lid", "hatch", "doorcontact"))
_PEOPLE = frozenset(("people", "person", "persons", "visitor", "visitors", "passengers", "human"))
_WAYS_IN = frozenset(("in", "enter", "entered", "entry", "entries", "incoming", "inside"))
_WAYS_OUT = frozenset(("out", "exit", "exited", "exits", "leave", "outgoing"))
_BUTTONS = frozenset(("button", "buttons", "btn", "doorbell", "bell", "pushbutton", "click"))
_CALLS = frozenset(("sos", "emergency", "panic", "nurse", "help", "distress"))
_NO_CALLS = frozenset(("exit", "door", "window", "light", "lights", "lighting", "stop", "contact"))
# What a machine of a gym is called with "press" in it: that is no button.
_MACHINES = frozenset(("leg", "bench", "chest", "shoulder", "calf", "overhead", "military", "hip"))
_NO_UNIT = frozenset(("", "count", "counts", "times", "reps", "rep", "pulses", "uses", "1"))
_PERCENT = frozenset(("", "%", "percent", "pct", "%el", "/", "el"))
_VOLTS = frozenset(("", "v", "mv", "volt", "volts", "millivolt", "millivolts"))
_VOLTAGE = frozenset(("voltage", "volt", "volts", "v", "mv", "millivolts"))
_LOW = frozenset(("low", "alarm", "warning", "weak", "empty"))
_AMONG_DELTAS = frozenset(("delta", "increment", "since", "new", "difference", "diff"))

# Words that make a name a setting, a statistic, or something else's measure.
_NEVER = frozenset(
    (
        *("threshold", "interval", "enable", "enabled", "disable", "disabled", "timeout", "delay"),
        *("sensitivity", "calibration", "offset", "max", "min", "maximum", "minimum", "limit"),
        *("setting", "settings", "config", "configuration", "mode", "version", "firmware", "type"),
        *("duration", "time", "date", "timestamp", "control", "command", "cmd", "set", "setpoint"),
        *("target", "reset", "restart", "reboot", "reboots", "boot", "boots", "uptime", "seq"),
        *("error", "errors", "retry", "retries", "crash", "heap", "memory", "wifi", "packet"),
        *("packets", "message", "messages", "sequence", "average", "avg", "id", "name", "index"),
        *("rate", "speed", "height", "distance", "brightness", "color", "colour"),
        *("setup", "schedule", "countdown", "runtime", "lifetime", "days", "hours", "minutes"),
    )
)
_OTHER_MEASURES = frozenset(
    (
        *("energy", "power", "water", "gas", "flow", "volume", "cost", "rain", "kwh"),
        *("consumption", "heat", "smoke", "co", "co2", "leak", "fault", "failure", "light", "lux"),
        *("weight", "pressure", "noise", "network", "outage", "memory", "bytes"),
    )
)


def _row(point: str, read: Read, words: Iterable[str], **more: Words) -> Row:
    return Row(point, read, frozenset(words), **more)


# From the most telling to the least; the first that fits decides.
_TABLE = (
    _row(
        "battery_low",
        _flag("battery_low", inverted=True),
        _BATTERY,
        beside=frozenset(("ok", "good")),
    ),
    _row("battery_low", _flag("battery_low"), _BATTERY, beside=_LOW),
    _row("battery_low", _flag("battery_low"), ("lowbattery", "lowbat", "batterylow")),
    _row("battery_v", _cell, _BATTERY, beside=_VOLTAGE, units=_VOLTS),
    _row("battery_v", _cell, ("vbat", "vbatt", "batv"), units=_VOLTS),
    _row("battery_v", _cell, _BATTERY, units=_VOLTS - {""}),
    _row("battery_low", _battery_state, _BATTERY, beside=frozenset(("state", "status"))),
    _row(
        "battery",
        _battery,
        _BATTERY,
        units=_PERCENT,
        without=frozenset(("state", "status", "temperature")),
    ),
    _row(
        "tamper",
        _flag("tamper"),
        ("tamper", "temper", "tampered", "sabotage", "dismantle", "dismantled", "antitamper"),
    ),
    _row("rssi", _number("rssi"), ("rssi",), units=frozenset(("", "dbm", "db"))),
    _row("snr", _number("snr"), ("snr",), units=frozenset(("", "db"))),
    _row("lqi", _number("lqi"), ("lqi", "linkquality"), units=frozenset(("", "lqi"))),
    _row(
        "temperature",
        _temperature,
        ("temperature", "temp"),
        units=frozenset(("", "cel", "°c", "c", "celsius", "degc", "f", "°f")),
        without=frozenset(("device", "chip", "cpu", "internal", "board", "processor")),
    ),
    _row(
        "humidity",
        _number("humidity", {"/": 100}),
        ("humidity", "rh"),
        units=frozenset(("", "%", "%rh")),
    ),
    _row("in", _total("in"), _PEOPLE | _COUNTS, beside=_WAYS_IN, units=_NO_UNIT),
    _row("out", _total("out"), _PEOPLE | _COUNTS, beside=_WAYS_OUT, units=_NO_UNIT),
    _row("people", _people, ("people", "persons", "occupants", "headcount"), units=_NO_UNIT),
    _row("openings", _total("openings"), ("openings", "opencount", "opens"), units=_NO_UNIT),
    _row("openings", _total("openings"), _OPEN | _DOORS, beside=_COUNTS, units=_NO_UNIT),
    _row("rep", _total("rep"), _COUNTS | _USES, beside=_AMONG_DELTAS, units=_NO_UNIT),
    _row("rep", _total("rep"), ("rep",), units=_NO_UNIT, without=_COUNTS),
    _row("uses", _total("uses"), _COUNTS | _USES, units=_NO_UNIT),
    _row("uses", _total("uses"), ("rep", "use", "usage", "stroke"), beside=_COUNTS, units=_NO_UNIT),
    _row("press", _sos, _CALLS, beside=_BUTTONS),
    _row("press", _sos, _CALLS, without=_NO_CALLS),
    _row(
        "press",
        _fall,
        ("fall", "falling", "fallen", "falldetected"),
        without=frozenset(("asleep", "temperature")),
    ),
    _row("press", _press, _BUTTONS),
    _row("press", _press, ("press", "pressed", "push", "pushed"), without=_MACHINES),
    _row(
        "vibration",
        _flag("vibration"),
        ("vibration", "vibrating", "vibrate", "shake", "shock", "knock"),
    ),
    _row("occupancy", _flag("occupancy"), ("occupancy", "occupied", "presence", "present")),
    _row("motion", _flag("motion"), ("motion", "moving", "movement", "pir")),
    _row("contact", _contact, ("contact", "reed", "magnet", *_DOORS)),
    _row("contact", _contact, _OPEN | frozenset(("closed",))),
    _row(
        "battery_v",
        _supply,
        ("voltage",),
        units=_VOLTS,
        without=frozenset(("mains", "phase", "line", "grid", "solar", "usb", "adc", "input")),
    ),
)
# An alarm that nothing stands beside is a call: a word more (`smoke_alarm`) makes it another's.
_ALARM = Row("press", _sos, frozenset(("alarm", "alert")))
_BESIDE_AN_ALARM = _ALARM.words | {"state", "status", "active", "triggered", "button", "call"}


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _row_of(name: str, unit: str) -> Row | None:
    words = frozenset(words_of(name))
    if not words.isdisjoint(_NEVER):
        return None
    if words & _ALARM.words and words <= _BESIDE_AN_ALARM:
        return _ALARM
    row = next((row for row in _TABLE if _fits(row, words, unit)), None)
    if row is None or (words & _OTHER_MEASURES and not _stands_alone(row, words)):
        return None
    return row


def _stands_alone(row: Row, words: Words) -> bool:
    """A light's button is a button, a meter's battery a battery; a meter's total is no use."""
    return row.point == "press" or not words.isdisjoint(_BATTERY)


def _fits(row: Row, words: Words, unit: str) -> bool:
    return (
        not words.isdisjoint(row.words)
        and (not row.beside or not words.isdisjoint(row.beside))
        and words.isdisjoint(row.without)
        and (not row.units or unit in row.units)
    )


def point_of(name: str, unit: str = "") -> str | None:
    """The point that a name means, without a number; None: nothing of ours."""
    row = _row_of(name, unit.strip().lower())
    return None if row is None else row.point


def is_known(name: str, unit: str = "") -> bool:
    """Whether a name means one of our points."""
    return point_of(name, unit) is not None


def is_another_measure(name: str) -> bool:
    """Whether a word of the name rules out that it counts uses: a setting, a statistic, a meter."""
    return not (_NEVER | _OTHER_MEASURES).isdisjoint(words_of(name))


def has_no_unit(unit: str) -> bool:
    """Whether a unit is that of things counted."""
    return unit.strip().lower() in _NO_UNIT


def read_named(
    name: str,
    value: Any,
    at_ms: int | None = None,
    *,
    unit: str = "",
    made: Literal["open", "closed"] = "closed",
) -> tuple[Reading, ...] | None:
    """The readings of a named value; None: the name is nothing of ours.

    `made` is what a bare `contact: true` says in this ecosystem: `closed` where the word is meant
    (the contact is made), `open` where it is the state of an entity that is "on" when open.
    A button that rests gives no reading. Raises `Unreadable` for a value that cannot be so.
    """
    unit = unit.strip().lower()
    row = _row_of(name, unit)
    if row is None:
        return None
    words = words_of(name)
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 3]
    naming = Naming(frozenset(words), numbers[-1] if numbers else None, unit, made)
    try:
        return tuple(reading(point, one, at_ms) for point, one in row.read(value, naming))
    except Unreadable as error:
        raise Unreadable(f"{shown(name)}: {error}") from None


class Named(NamedTuple):
    """A value with the name that somebody gave it."""

    name: str
    value: Any
    at_ms: int | None = None
    unit: str = ""


def read_all(
    values: Iterable[Named],
    wrong: Iterable[str] = (),
    *,
    made: Literal["open", "closed"] = "closed",
) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """The readings of a message's named values, and what had to be left out of them.

    `wrong` is what was left out before. Raises `Unreadable` where something had to be left out and
    nothing remains.
    """
    readings: list[Reading] = []
    warnings = list(wrong)
    for one in values:
        try:
            readings += read_named(one.name, one.value, one.at_ms, unit=one.unit, made=made) or ()
        except Unreadable as error:
            warnings.append(str(error))
    if warnings and not readings:
        raise Unreadable("; ".join(warnings))
    return tuple(readings), tuple(warnings)


FAMILY_OF_POINT = {
    **dict.fromkeys(("contact", "openings"), "door"),
    **dict.fromkeys(("press", "sos"), "button"),
    **dict.fromkeys(("uses", "rep", "in", "out", "people", "vibration"), "counter"),
}


NAMED_POINTS = (
    *("press", "contact", "tamper", "vibration", "motion", "occupancy", "people"),
    *("uses", "rep", "openings", "in", "out", "battery", "battery_v", "battery_low"),
    *("rssi", "snr", "lqi", "temperature", "humidity"),
)
NUMBERED_POINTS = tuple(
    f"{point}_{channel}"
    for point in ("uses", "rep", "openings", "in", "out", "contact")
    for channel in range(1, CHANNELS_MAX + 1)
)
# All that a driver can give that reads names by this table.
POINTS_OF_NAMES = (*NAMED_POINTS, *NUMBERED_POINTS)


def family_of(points: Iterable[str | None]) -> str | None:
    """What a device with these points most likely is; a button with a contact is a button."""
    bare = [re.sub(r"_[0-9]+$", "", point) for point in points if point]
    found = {FAMILY_OF_POINT.get(point) for point in bare}
    return next((family for family in ("button", "door", "counter") if family in found), None)
