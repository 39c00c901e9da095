"""awish machines: one topic `/server/app` for all of them, the machine stands in the payload.

Source: the vendor's documentation of its MQTT interface (heartbeat every five minutes, last will).
"""

from typing import Any

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.loose import Value, answer, checked, number
from device_drivers.message import Message
from device_drivers.moments import unix_s_ms
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown

NAME = "awish"
TOPIC = "/server/app"
ONLINE = {"client.heartbeat": True, "client.offline": False}
IDENTITY = ("client_id", "machine_id")  # the machine's own number, else its key on the server
SECONDS_DIGITS = 10


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a machine."""
    if message.topic != TOPIC:
        return Refused(f"topic {shown(message.topic)}: expected {TOPIC}", driver=NAME)
    address: str | None = None
    try:
        body = json_object(message)
        machine = next((body[key] for key in IDENTITY if body.get(key)), None)
        if not isinstance(machine, str) or not is_name(machine):
            raise Unreadable(f"client_id: expected the machine, not {shown(machine)}")
        address = f"{NAME}:{machine}"
        return _said(address, body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _said(address: str, body: dict[str, Any]) -> Decoded | Refused:
    warnings: list[str] = []
    method = body.get("method")
    online = ONLINE.get(method) if isinstance(method, str) else None
    # the broker publishes the last will, which was written when the machine came
    at_ms = None if online is False else _at_ms(body.get("timestamp"), warnings)
    values: list[Value] = [("online", online)]
    signal = number(body.get("network_rssi"))
    if isinstance(signal, float) and signal < 0:  # some machines say bars instead of dBm
        values.append(("rssi", signal))
    return answer(NAME, address, checked(values, warnings, at_ms), warnings)


def _at_ms(seconds: Any, warnings: list[str]) -> int | None:
    if seconds is None:
        return None
    try:
        if not (
            isinstance(seconds, str) and seconds.isdecimal() and len(seconds) == SECONDS_DIGITS
        ):
            raise Unreadable(f"expected seconds since 1970 as text, not {shown(seconds)}")
        return unix_s_ms(int(seconds))
    except Unreadable as error:
        warnings.append(f"timestamp: {error}")
        return None


DRIVER = Driver(
    name=NAME,
    families=("counter", "gateway"),
    maker="any",
    models=("*",),
    transport="vendor-mqtt",
    points=("online", "rssi"),
    expected_silence_s=600,
    heard=Heard("none", "the vendor documents nothing that a machine could show"),
    tested="frames",
    receive=receive,
    topics=(TOPIC,),
    topic=TOPIC,
)
