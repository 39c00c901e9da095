"""The 4G watches G601, G616 and G618: `atom/g616/status/{imei}`, numbers as text.

Source: the vendor's guide to the watches' MQTT interface.
"""

import re
from typing import Any

from device_drivers.driver import (
    Decoded,
    Document,
    Documents,
    Driver,
    Heard,
    Publication,
    Refused,
    Sign,
    Unreadable,
    no_documents,
)
from device_drivers.loose import Value, answer, checked, flag, flag_or_none, number
from device_drivers.message import Message
from device_drivers.payload import json_object
from device_drivers.points import shown

NAME = "zhzyou_watch"
SCHEME = "watch"
SHAPE = "atom/{model}/status/{imei}"
_TOPIC = re.compile(r"atom/(g6\d\d)/status/(\d{15})", re.ASCII)
_IMEI = re.compile(r"\d{15}", re.ASCII)


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One status of a watch."""
    match = _TOPIC.fullmatch(message.topic)
    if match is None:
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{SCHEME}:{match[2]}"
    try:
        body = json_object(message)
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    imei = body.get("imei")
    if isinstance(imei, str) and _IMEI.fullmatch(imei):
        address = f"{SCHEME}:{imei}"
    warnings: list[str] = []
    return answer(NAME, address, checked(_values(body), warnings), warnings)


def _values(body: dict[str, Any]) -> list[Value]:
    """`sos` is a state that stays until the watch takes it back: each status repeats the call."""
    sos = body.get("sos")
    values: list[Value] = []
    if sos is not None:
        values.append(("sos", flag(sos)))
    if flag_or_none(sos) is True:
        values.insert(0, ("press", "sos"))
    if "battery" in body:
        values.append(("battery", number(body["battery"])))
    if "isOnline" in body:
        values.append(("online", flag(body["isOnline"])))
    return values


SHOWN: dict[Sign, str] = {
    "heard": "您的求助已有人看到",
    "on_the_way": "有人正在赶来",
    "arrived": "帮助您的人已到达",
    "nobody": "还没有人应答 请再次求助",
}


def show(sign: Sign, topic: str, _document: Document) -> Publication | None:
    """A line of text on the watch: at most 50 characters, and no Chinese punctuation."""
    match = _TOPIC.fullmatch(topic)
    if match is None or sign not in SHOWN:
        return None
    return Publication(f"atom/{match[1]}/cmd/{match[2]}/MESSAGE", SHOWN[sign].encode())


DRIVER = Driver(
    name=NAME,
    families=("button",),
    maker="any",
    models=("*",),
    transport="vendor-mqtt",
    points=("press", "sos", "battery", "online"),
    expected_silence_s=3_600,
    heard=Heard("vendor_mqtt", "a line of text by `atom/{model}/cmd/{imei}/MESSAGE`"),
    tested="frames",
    receive=receive,
    topics=("atom/+/status/+",),
    topic="atom/g616/status/000000000000000",
    show=show,
)
