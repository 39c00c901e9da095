"""The payload of a message as JSON."""

from typing import Any

from device_drivers.driver import Unreadable
from device_drivers.message import Message
from device_drivers.points import shown


def json_object(message: Message) -> dict[str, Any]:
    """The payload as a JSON object. Raises `Unreadable`, whatever the bytes are."""
    try:
        body = message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        protobuf = "; it looks like protobuf" if _looks_like_protobuf(message.payload) else ""
        raise Unreadable(f"the payload is not JSON{protobuf}: {error}") from None
    if isinstance(body, dict):
        return body
    raise Unreadable(f"expected a JSON object, not {shown(body)}")


def _looks_like_protobuf(payload: bytes) -> bool:
    """Text of JSON has no control characters but blanks and line ends; protobuf's tags are some."""
    return any(byte < ord(" ") and byte not in b"\t\n\r" for byte in payload)
