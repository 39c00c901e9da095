"""A driver for tests that announces: a config document says on which topic a device speaks.

A fake, because it must be small and must do what a test wants; `read` puts it before the catalogue.
"""

from typing import Any

from device_drivers.catalog import ANNOUNCED_BY, DriverOf, receive
from device_drivers.driver import (
    Announcement,
    Decoded,
    Document,
    Documents,
    Driver,
    Heard,
    Publication,
    Refused,
    Sign,
)
from device_drivers.message import Message
from device_drivers.reading import Reading

NAME = "announcing"


def config(device: str) -> str:
    """Where a device is announced."""
    return f"announcing/{device}/config"


def announced(message: Message) -> Decoded:
    """`{"topic", "family", …}`; an empty payload takes it back."""
    body: dict[str, Any] = message.read_json(message.payload) if message.payload else {}
    device = message.topic.split("/")[1]
    topic = str(body.get("topic", f"rooms/{device}"))
    said = Announcement(
        key=topic,
        part=device,
        document=body,
        topics=(topic,) if body else (),
        address=f"{NAME}:{device}",
        family=body.get("family"),
        name=body.get("name"),
        maker=body.get("maker"),
        model=body.get("model"),
        driver=NAME if body else None,
    )
    return Decoded(NAME, f"{NAME}:{device}", None, (), announcements=(said,))


def spoken(message: Message, documents: Documents) -> Decoded | Refused:
    """A device's own word: what its value means stands in the document."""
    parts = {part: one for part, one in documents(message.topic).items() if part != ANNOUNCED_BY}
    if not parts:
        return Refused("nobody announced this topic", driver=NAME)
    device, document = next(iter(parts.items()))
    value = bytes(message.payload).decode()
    readings = (Reading(document["point"], document["values"].get(value, value)),)
    return Decoded(NAME, f"{NAME}:{device}", document.get("family"), readings)


def read(message: Message, driver_of: DriverOf, documents: Documents) -> Decoded | Refused:
    """What the hub does with a message, with this driver beside the catalogue's."""
    if message.topic.startswith("announcing/"):
        return announced(message)
    if documents(message.topic).get(ANNOUNCED_BY) == NAME:
        return spoken(message, documents)
    return receive(message, driver_of, documents)


def show(sign: Sign, topic: str, document: Document) -> Publication | None:
    """A lamp beside the button, if its document names one."""
    word = {"heard": b"blink", "on_the_way": b"on", "closed": b"off"}.get(sign)
    return None if word is None else Publication(f"{topic}/{document.get('lamp', 'lamp')}", word)


def driver(**more: Any) -> Driver:
    """Its data sheet."""
    about = "a lamp beside the button"
    return Driver(
        name=NAME,
        families=("button",),
        maker="any",
        models=("*",),
        transport="announcing",
        points=("press",),
        expected_silence_s=3_600,
        heard=Heard("tasmota", about),
        tested="frames",
        **more,
    )
