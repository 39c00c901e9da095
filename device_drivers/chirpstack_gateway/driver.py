"""What a LoRaWAN gateway says of itself: ChirpStack's Gateway Bridge and MQTT Forwarder.

`…gateway/{id}/state/conn` is kept by the broker and changed by its last will: whether the gateway
is connected. Everything under `…/event/` shows that it works. What devices said inside is the
network server's to tell. Facts: ChirpStack's documentation of states and events.
"""

from device_drivers.bits import from_base64
from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.message import Message
from device_drivers.payload import json_object
from device_drivers.points import reading, shown

NAME = "chirpstack_gateway"
FAMILY = "gateway"
ID_DIGITS = 16
# Protobuf's JSON leaves out what is zero, and OFFLINE is the zero of its states.
ONLINE = {"ONLINE": True, "OFFLINE": False, None: False}
NAMES_OF_ID = ("gatewayId", "gatewayID")


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a gateway about itself, understood or refused."""
    del documents
    *_, name, kind, _word = message.topic.split("/")
    address = None
    try:
        address = f"lorawan-gateway:{_id(name)}"
        body = json_object(message)
        if kind == "event":
            return Decoded(NAME, address, FAMILY, ())
        return Decoded(NAME, address, FAMILY, (reading("online", _is_online(body, address)),))
    except (Unreadable, ValueError) as error:
        return Refused(str(error), address, NAME, FAMILY)


def _id(text: str) -> str:
    digits = text.lower()
    if len(digits) != ID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise Unreadable(f"expected the {ID_DIGITS} hex digits of a gateway, not {shown(text)}")
    return digits


def _is_online(body: dict[str, object], address: str) -> bool:
    """The state; the body must speak of the gateway that the topic names."""
    named = next((body[key] for key in NAMES_OF_ID if key in body), None)
    if not isinstance(named, str) or f"lorawan-gateway:{_id(_hex(named))}" != address:
        raise Unreadable(f"the gateway {shown(named)} is not the one of the topic")
    state = body.get("state")
    if not isinstance(state, str | None) or state not in ONLINE:
        raise Unreadable(f"state: expected ONLINE or OFFLINE, not {shown(state)}")
    return ONLINE[state]


def _hex(text: str) -> str:
    """Version 3 writes the id in base64."""
    return text if len(text) == ID_DIGITS else from_base64(text).hex()


DRIVER = Driver(
    name=NAME,
    families=(FAMILY,),
    maker="ChirpStack",
    models=("*",),
    transport="chirpstack-gateway",
    points=("online",),
    expected_silence_s=600,
    heard=Heard("none", "a gateway is no person's device"),
    tested="frames",
    receive=receive,
    topics=(
        "gateway/+/state/conn",
        "gateway/+/event/+",
        "+/gateway/+/state/conn",
        "+/gateway/+/event/+",
    ),
    subscriptions=(
        "gateway/+/state/conn",
        "gateway/+/event/stats",
        "+/gateway/+/state/conn",
        "+/gateway/+/event/stats",
    ),
    topic="gateway/0016c001f153a14c/state/conn",
)
