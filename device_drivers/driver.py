"""The contract of a driver: what it is given, what it hands back, what it is.

A driver is a *value*, not a class to inherit from: a frozen data sheet with one function in it.
It lives in a folder of its own, `<maker>_<family>/`, together with `README.md` (what it measures,
payload layout, quirks, tested on what) and `examples.yaml` (payload → readings, payload → refusal;
one test runs them all). `catalog.py` names every driver; delete the folder and its line there, and
the driver is gone.

There are two kinds, and a driver is exactly one of them:

* `receive` takes a whole MQTT message, where the topic itself tells the driver (native,
  zigbee2mqtt, Tasmota …): `topics` are the filters that it listens to.
* `decode` takes a `Frame`: bytes that an envelope of a network server carried (`envelopes.py`
  opens them). There the topic does not tell the driver; the register of devices does, or the
  envelope's own words about maker and model.

What holds for both:

* Pure: no clock, no network, no disk, no logging, no memory of the message before. Where an
  ecosystem says beforehand how later messages are to be read (Home Assistant's discovery, a birth
  certificate of Sparkplug B, zigbee2mqtt's `bridge/devices`), the driver hands that back as an
  `Announcement`; the hub keeps it and gives its document with the messages that need it.
* Whatever the bytes, the answer is `Decoded` or `Refused`. Inside, `Unreadable` carries the
  sentence of a refusal; it never leaves this package.
* A frame that is cut off, has an unknown port or a code that the maker does not list is refused
  or, where the rest stands on its own, reported in `Decoded.warnings`. Nothing is guessed.
* A press is never thrown away because something else in its message is wrong: it is kept, and
  `warnings` says what was left out.
* Points, words, units and ranges are those of `points.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from device_drivers.message import Message
from device_drivers.reading import Reading


class Unreadable(ValueError):
    """Why something cannot be read: what was wrong, where, what was expected."""


Document = Mapping[str, Any]
Documents = Callable[[str], Document]


def no_documents(_key: str) -> Document:
    """What is known where nothing was announced."""
    return {}


class Announcement(NamedTuple):
    """What an ecosystem says of a device beforehand: who it is, and how its words are to be read.

    `key` is what the driver will ask for when it needs the document: a topic, or an address.
    Several announcements may share a key (the entities on one state topic): `part` tells them
    apart, and the driver is given all of them as `{part: document}`. An empty document takes the
    part back. `topics` are filters on which the device's messages come, for the hub to subscribe
    to. `address`, `name`, `maker`, `model`, `family` and `driver` fill in the form when somebody
    adopts the device.
    """

    key: str
    part: str = ""
    document: Document = MappingProxyType({})
    topics: tuple[str, ...] = ()
    address: str | None = None
    family: str | None = None
    name: str | None = None
    maker: str | None = None
    model: str | None = None
    driver: str | None = None


class Decoded(NamedTuple):
    """One message that was understood. Without readings it still is a sign of life.

    `address` is the sender, unique over ecosystems (`native:btn-b3-1204`, `zigbee2mqtt:front_door`,
    `lorawan:24e124…`). `id` is the message's own: the same id from the same address is the same
    message. `answer` is what `{"heard": …}` must carry for a press: the id, else `ts` as given.
    `gateway` is a name within the same ecosystem (`native` device `via`, the best LoRaWAN gateway).
    `network_ms` is when gateway or network server heard it, where one says so: a reading's own
    `at_ms` may be the device's clock, and both are kept apart.
    `announcements` are for the hub to keep; a message may consist of nothing else. `introduction`
    is what a network server calls the sender, for the form in which it is adopted.
    """

    driver: str
    address: str
    family: str | None
    readings: tuple[Reading, ...]
    id: str | None = None
    answer: str | None = None
    gateway: str | None = None
    warnings: tuple[str, ...] = ()
    network_ms: int | None = None
    announcements: tuple[Announcement, ...] = ()
    introduction: Announcement | None = None


class Refused(NamedTuple):
    """One message that was not understood, with the reason as a sentence, and what was known."""

    reason: str
    address: str | None = None
    driver: str | None = None
    family: str | None = None


class Frame(NamedTuple):
    """What an envelope leaves: the device's own bytes and what the network says about them.

    `payload` is None where the network reports something of the device that carries no bytes (a
    join, a status). `fport` is None only where nobody said it (a bare payload at the command line).
    `readings` are the network's own: signal, and what a status event says. `at_ms` is when gateway
    or network server heard it. `model` is what register or network know of the model, as `plain()`
    writes it (`em300di`), for makers whose frames do not tell it; often it is empty.
    `name` and `product` are what people called the device and its profile on the network server.
    """

    address: str
    payload: bytes | None = None
    fport: int | None = None
    at_ms: int | None = None
    id: str | None = None
    gateway: str | None = None
    readings: tuple[Reading, ...] = ()
    hint: str = ""
    warnings: tuple[str, ...] = ()
    model: str = ""
    name: str = ""
    product: str = ""


class Found(NamedTuple):
    """What a driver read out of a frame. Readings without a time get the frame's.

    `cell` is the kind of battery in this very model, where one driver serves several: volts become
    percent by its curve, unless the frame says percent itself.
    """

    readings: tuple[Reading, ...] = ()
    warnings: tuple[str, ...] = ()
    cell: str = ""


class Heard(NamedTuple):
    """Whether the device can show its person that somebody has heard, and how it is told."""

    how: Literal[
        "native", "lorawan_downlink", "zigbee2mqtt_set", "tasmota", "shelly", "vendor_mqtt", "none"
    ]
    about: str


# What became of a press, in the order in which a person is told.
Sign = Literal["heard", "on_the_way", "arrived", "nobody", "closed"]


class Downlink(NamedTuple):
    """Bytes for a LoRaWAN device; its envelope makes the network server's message of them."""

    fport: int
    payload: bytes


class Publication(NamedTuple):
    """An MQTT message for a device."""

    topic: str
    payload: bytes


MessageDecoder = Callable[[Message, Documents], Decoded | Refused]
FrameDecoder = Callable[[Frame], Found]
# The sign, the topic of the device's last message, and the document announced for its address.
MessageShower = Callable[[Sign, str, Document], Publication | None]
FrameShower = Callable[[Sign], Downlink | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The data sheet of one family of devices.

    `maker` may name several, parted by commas. `models` are shell patterns over lower-case names
    without dashes (`ws101*`); `*` alone stands for every other model of the maker. `topics` are the
    MQTT filters of a driver that receives; `subscriptions` are those that the hub subscribes to,
    where they are narrower; `topic` is one that stands in where nobody says it (`hub decode`).
    `fports` are the ports that carry readings; empty where the owner chooses the port.
    `expected_silence_s` is how long such a device may be silent when it is well; the README says
    where the figure comes from. `cell` is the kind of its battery by the names of
    `cells.py`, for devices that say volts; empty where it is not always the same. `show` or
    `show_frame` translate what became of a press for devices that can show it; where both are None,
    the README says so.
    """

    name: str
    families: tuple[str, ...]
    maker: str
    models: tuple[str, ...]
    transport: str
    points: tuple[str, ...]
    expected_silence_s: int
    heard: Heard
    tested: Literal["frames", "hardware"]
    receive: MessageDecoder | None = None
    decode: FrameDecoder | None = None
    fports: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    topic: str = ""
    cell: str = ""
    show: MessageShower | None = None
    show_frame: FrameShower | None = None
