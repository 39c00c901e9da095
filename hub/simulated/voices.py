"""In whose words a device speaks: native JSON, zigbee2mqtt, or LoRaWAN by ChirpStack v4."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from hashlib import sha256
from heapq import merge
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from device_drivers.moments import rfc_3339
from hub.simulated.day import Act, Points, SimulatedDevice, live
from hub.simulated.figures import FIGURES, Figures

APPLICATION_ID = "5f3c9a52-0d6e-4a7b-9c1e-2b8d4f6a7c90"
MILESIGHT_PORT = 85
MILESIGHT_MODELS = {
    "milesight_button": "Milesight WS101",
    "milesight_door": "Milesight WS301",
    "milesight_em300_di": "Milesight EM300-DI",
}
_PRESS_CODES = {"single": 1, "long": 2, "sos": 2, "double": 3, "test": 1}  # this button has no sos
_ZIGBEE_ACTIONS = {"sos": "emergency", "long": "hold", "single": "single", "test": "single"}


class Event(NamedTuple):
    """One message to be published. `at_ms` is simulated time.

    `body` is bytes as they are, or an object into which the player writes the real moment of the
    first sending under `stamp` (`ts`: milliseconds, `time`: RFC 3339; empty: nowhere).
    `press_id` is set for a press that the hub can answer: it is repeated until it is.
    """

    at_ms: int
    topic: str
    body: bytes | dict[str, Any]
    family: str
    transport: str
    stamp: str = ""
    press: bool = False
    press_id: str = ""
    retained: bool = False


class Outage(NamedTuple):
    """When a gateway is gone, in milliseconds of simulated time after the start."""

    from_ms: int
    to_ms: int


class Promised(NamedTuple):
    """What comes whatever the day brings, in milliseconds of simulated time after the start."""

    press_ms: int | None = None
    outage: Outage | None = None


def day_events(
    devices: Sequence[SimulatedDevice],
    *,
    site: str,
    zone: tzinfo,
    seed: int,
    start_ms: int,
    run: str,
    promised: Promised = Promised(),  # noqa: B008 - a value that nobody can change
    figures: Figures = FIGURES,
) -> Iterator[Event]:
    """Everything that the devices say from `start_ms` on, their gateways first, without end.

    `promised.press_ms` after the start the first button of the hub's own kind is pressed. During
    `promised.outage` a gateway that is not this button's is gone, and nothing comes from behind
    it. The same arguments give the same events.
    """
    acts = live(devices, seed=seed, start_ms=start_ms, zone=zone, figures=figures)
    buttons = (d for d in devices if d.family == "button" and d.driver == "native")
    button = next(buttons, None)
    if promised.press_ms is not None and button is not None:
        press = Act(start_ms + promised.press_ms, button, {"press": "sos"})
        acts = merge([press], acts, key=attrgetter("at_ms"))
    yield from gateway_words(devices, site=site, at_ms=start_ms)
    gone, outage = _other_gateway(devices, button), promised.outage
    if outage is None or gone is None:
        yield from speak(acts, site=site, run=run)
        return
    from_ms, to_ms = start_ms + outage.from_ms, start_ms + outage.to_ms
    heard = (
        act for act in acts if act.device.gateway != gone.id or not from_ms <= act.at_ms < to_ms
    )
    words = [
        _status(gone, b"offline", site=site, at_ms=from_ms),
        _status(gone, b"online", site=site, at_ms=to_ms),
    ]
    yield from merge(words, speak(heard, site=site, run=run), key=attrgetter("at_ms"))


def _other_gateway(
    devices: Iterable[SimulatedDevice], button: SimulatedDevice | None
) -> SimulatedDevice | None:
    keeps = "" if button is None else button.gateway
    return next((d for d in devices if d.family == "gateway" and d.id != keeps), None)


def speak(acts: Iterable[Act], *, site: str, run: str) -> Iterator[Event]:
    """Each act in its device's own words. `run` makes the ids of this run its own."""
    for number, act in enumerate(acts):
        voice = _VOICES.get(act.device.driver, _lorawan)
        yield voice(act, site, f"{run}-{number}")


def gateway_words(devices: Iterable[SimulatedDevice], *, site: str, at_ms: int) -> Iterator[Event]:
    """What the gateways say first: that they are there (retained)."""
    for gateway in devices:
        if gateway.family == "gateway":
            yield _status(gateway, b"online", site=site, at_ms=at_ms)


def _status(gateway: SimulatedDevice, word: bytes, *, site: str, at_ms: int) -> Event:
    topic = f"community/{site}/gateway/{gateway.id}/status"
    return Event(at_ms, topic, word, "gateway", "native", retained=True)


def _native(act: Act, site: str, message_id: str) -> Event:
    device, points = act.device, act.points
    press = "press" in points
    body = {"id": message_id, **points}
    if device.gateway:
        body["via"] = device.gateway
    return Event(
        act.at_ms,
        f"community/{site}/{device.family}/{device.id}/up",
        body,
        device.family,
        "native",
        stamp="ts" if press else "",
        press=press,
        press_id=message_id if press else "",
    )


def _zigbee(act: Act, _site: str, _message_id: str) -> Event:
    device, points = act.device, act.points
    body: dict[str, Any] = {"linkquality": 120}
    if "contact" in points:
        body["contact"] = points["contact"] == "closed"
    if "press" in points:
        body["action"] = _ZIGBEE_ACTIONS[str(points["press"])]
    if "battery" in points:
        body["battery"] = points["battery"]
    topic = f"zigbee2mqtt/{device.address.partition(':')[2]}"
    return Event(act.at_ms, topic, body, device.family, "zigbee2mqtt", press="press" in points)


def _lorawan(act: Act, _site: str, message_id: str) -> Event:
    device = act.device
    eui = device.address.partition(":")[2]
    frame = milesight_frame(act.points)
    body = chirpstack_uplink(
        eui,
        MILESIGHT_MODELS[device.driver],
        frame,
        port=MILESIGHT_PORT,
        count=act.at_ms // 1_000 % 2**32,
        gateway=device.gateway,
        unique=message_id,
    )
    return Event(
        act.at_ms,
        f"application/{APPLICATION_ID}/device/{eui}/event/up",
        body,
        device.family,
        "lorawan",
        stamp="time",
        press="press" in act.points,
    )


_VOICES: dict[str, Callable[[Act, str, str], Event]] = {"native": _native, "zigbee2mqtt": _zigbee}


def milesight_frame(points: Points) -> bytes:
    """Channel, type, value: the bytes in which Milesight's buttons, doors and counters speak."""
    frame = b""
    if "battery" in points:
        frame += bytes((0x01, 0x75, int(points["battery"])))
    if "press" in points:
        frame += bytes((0xFF, 0x2E, _PRESS_CODES[str(points["press"])]))
    if "contact" in points:
        frame += bytes((0x03, 0x00, points["contact"] == "open"))
    if "uses" in points:
        frame += b"\x05\xc8" + int(points["uses"]).to_bytes(4, "little")
    return frame


def chirpstack_uplink(
    eui: str,
    profile: str,
    frame: bytes,
    *,
    port: int | None,
    count: int,
    gateway: str,
    unique: str,
) -> dict[str, Any]:
    """An uplink as ChirpStack v4 publishes it; `unique` gives its deduplicationId."""
    uplink = {
        "deduplicationId": str(UUID(bytes=sha256(unique.encode()).digest()[:16])),
        "deviceInfo": {
            "applicationId": APPLICATION_ID,
            "applicationName": "simulated",
            "deviceProfileName": profile,
            "deviceName": eui,
            "devEui": eui,
        },
        "devAddr": eui[-8:],
        "dr": 5,
        "fCnt": count,
        "confirmed": False,
        "data": base64.b64encode(frame).decode(),
        "rxInfo": [{"gatewayId": gateway, "rssi": -80, "snr": 7.5}],
    }
    if port is not None:
        uplink["fPort"] = port
    return uplink


def stamped(event: Event, sent_ms: int) -> bytes | dict[str, Any]:
    """The body with the moment of its first sending, where it has a place for it."""
    if isinstance(event.body, bytes) or not event.stamp:
        return event.body
    moment = sent_ms if event.stamp == "ts" else rfc_3339(sent_ms)
    return {**event.body, event.stamp: moment}
