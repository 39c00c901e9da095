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
        raise Unreadable(f"the payload is not JSON: {error}") from None
    if isinstance(body, dict):
        return body
    raise Unreadable(f"expected a JSON object, not {shown(body)}")
