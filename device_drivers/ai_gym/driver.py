"""Machines of the "ai-gym" adapter: one topic for all, the machine stands in the payload."""

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.loose import answer, checked, whole_number
from device_drivers.message import Message
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown

NAME = "ai_gym"
SCHEME = "ai-gym"
TOPIC = "ai-gym/equipment/telemetry"


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a machine: its repetitions so far."""
    if message.topic != TOPIC:
        return Refused(f"topic {shown(message.topic)}: expected {TOPIC}", driver=NAME)
    try:
        body = json_object(message)
        machine = body.get("equipment_id")
        if not isinstance(machine, str) or not is_name(machine):
            raise Unreadable(f"equipment_id: expected the machine, not {shown(machine)}")
    except Unreadable as error:
        return Refused(str(error), driver=NAME)
    warnings: list[str] = []
    values = [("uses", whole_number(body.get("repetitions")))]
    return answer(NAME, f"{SCHEME}:{machine}", checked(values, warnings), warnings)


DRIVER = Driver(
    name=NAME,
    families=("counter",),
    maker="any",
    models=("*",),
    transport="vendor-mqtt",
    points=("uses",),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "a gym machine has no press to answer"),
    tested="frames",
    receive=receive,
    topics=(TOPIC,),
    topic=TOPIC,
)
