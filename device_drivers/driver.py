"""The contract of a driver: what it is given, what it hands back, what it is.

A driver is a *value*, not a class to inherit from: a frozen data sheet with one function in it.
It lives in a folder of its own, `<maker>_<family>/`, together with `README.md` (what it measures,
payload layout, quirks, tested on what) and `examples.yaml` (payload → readings, payload → refusal;
one test runs them all). `catalog.py` names every driver; delete the folder and its line there, and
the driver is gone.

There are two kinds, and a driver is exactly one of them:

* `receive` takes a whole MQTT message, where the topic itself tells the driver (native,
  zigbee2mqtt). Its route stands in `catalog.ROUTES`.
* `decode` takes a `Frame`: bytes that an envelope of a network server carried (`envelopes.py`
  opens them). There the topic does not tell the driver; the register of devices does, or the
  envelope's own words about maker and model.

What holds for both:

* Pure: no clock, no network, no disk, no logging, no memory of the message before.
* Whatever the bytes, the answer is `Decoded` or `Refused`. Inside, `Unreadable` carries the
  sentence of a refusal; it never leaves this package.
* A frame that is cut off, has an unknown port or a code that the maker does not list is refused
  or, where the rest stands on its own, reported in `Decoded.warnings`. Nothing is guessed.
* A press is never thrown away because something else in its message is wrong: it is kept, and
  `warnings` says what was left out.
* Points, words, units and ranges are those of `points.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from device_drivers.message import Message
from device_drivers.reading import Reading


class Unreadable(ValueError):
    """Why something cannot be read: what was wrong, where, what was expected."""


class Decoded(NamedTuple):
    """One message that was understood. Without readings it still is a sign of life.

    `address` is the sender, unique over ecosystems (`native:btn-b3-1204`, `zigbee2mqtt:front_door`,
    `lorawan:24e124…`). `id` is the message's own: the same id from the same address is the same
    message. `answer` is what `{"heard": …}` must carry for a press: the id, else `ts` as given.
    `gateway` is a name within the same ecosystem (`native` device `via`, the best LoRaWAN gateway).
    """

    driver: str
    address: str
    family: str | None
    readings: tuple[Reading, ...]
    id: str | None = None
    answer: str | None = None
    gateway: str | None = None
    warnings: tuple[str, ...] = ()


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
    `readings` are the network's own: signal, and what a status event says.
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


class Found(NamedTuple):
    """What a driver read out of a frame. Readings without a time get the frame's."""

    readings: tuple[Reading, ...] = ()
    warnings: tuple[str, ...] = ()


class Heard(NamedTuple):
    """Whether the device can show its person that somebody has heard, and how it is told."""

    how: Literal["native", "lorawan_downlink", "zigbee2mqtt_set", "none"]
    about: str


MessageDecoder = Callable[[Message], Decoded | Refused]
FrameDecoder = Callable[[Frame], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The data sheet of one family of devices.

    `models` are shell patterns over lower-case names without dashes (`ws101*`); `*` alone stands
    for every other model of the maker. `fports` are the ports that carry readings; empty where
    the owner chooses the port. `expected_silence_s` is how long such a device may be silent when it
    is well; the README says where the figure comes from.
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
