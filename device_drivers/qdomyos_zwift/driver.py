"""QDomyos-Zwift, an app that speaks for a fitness machine: `QZ/{user}/workout/…`, plain values."""

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.loose import Value, answer, checked, flag, json_or_text, number, whole_number
from device_drivers.message import Message
from device_drivers.names import is_name
from device_drivers.points import shown

NAME = "qdomyos_zwift"
SCHEME = "qz"
SHAPE = "QZ/{user}/workout/… or QZ/{user}/status"
ONLINE = {"online": True, "offline": False}
STROKES = "workout/rowing/strokes_count"
CONNECTED = "workout/device/connected"
SIGNAL = "workout/device/rssi"


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One value of a workout, or whether the app is there."""
    begin, _, rest = message.topic.partition("/")
    user, _, leaf = rest.partition("/")
    if begin != "QZ" or not is_name(user) or not (leaf == "status" or leaf.startswith("workout/")):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{SCHEME}:{user}"
    warnings: list[str] = []
    try:
        readings = checked(_values(leaf, json_or_text(message)), warnings)
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    return answer(NAME, address, readings, warnings)


def _values(leaf: str, body: object) -> list[Value]:
    if leaf == "status":
        known = ONLINE.get(body) if isinstance(body, str) else None
        return [("online", body if known is None else known)]
    if leaf == CONNECTED:
        return [("online", flag(body))]
    if leaf == STROKES:
        return [("uses", whole_number(body))]
    return [("rssi", number(body))] if leaf == SIGNAL and body not in (0, "0") else []


DRIVER = Driver(
    name=NAME,
    families=("counter",),
    maker="any",
    models=("*",),
    transport="qdomyos-mqtt",
    points=("uses", "online", "rssi"),
    expected_silence_s=7 * 24 * 3_600,
    heard=Heard("none", "a gym machine has no press to answer"),
    tested="frames",
    receive=receive,
    topics=("QZ/+/workout/#", "QZ/+/status"),
    topic="QZ/unknown/workout/device/connected",
)
