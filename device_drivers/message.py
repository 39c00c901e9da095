"""A message: what a broker hands over, before anybody has looked into it."""

from collections.abc import Callable
from json import loads as json_loads
from typing import Any, NamedTuple

JsonReader = Callable[[bytes], Any]


class Message(NamedTuple):
    """One MQTT message. `read_json` is the JSON reader to use (a faster one may be passed in)."""

    topic: str
    payload: bytes
    retained: bool = False
    read_json: JsonReader = json_loads
