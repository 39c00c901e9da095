"""Cayenne LPP: channel, type, data, and again, to the end; the form that many makers chose.

The same types as IPSO's objects, less 3200. RAK's WisBlock and others add types above those of the
first list; they stand here with their sizes.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import Read, number

HEAD_SIZE = 2
SIZES = {
    0x00: 1,  # digital input
    0x01: 1,  # digital output
    0x02: 2,  # analogue input
    0x03: 2,  # analogue output
    0x64: 4,  # generic
    0x65: 2,  # light
    0x66: 1,  # presence
    0x67: 2,  # temperature
    0x68: 1,  # humidity
    0x70: 2,  # humidity, finer
    0x71: 6,  # acceleration
    0x73: 2,  # air pressure
    0x74: 2,  # voltage
    0x75: 2,  # current
    0x76: 4,  # frequency
    0x78: 1,  # percent
    0x79: 2,  # height
    0x7D: 2,  # concentration
    0x80: 2,  # power
    0x82: 4,  # distance
    0x83: 4,  # energy
    0x84: 2,  # direction
    0x85: 4,  # time
    0x86: 6,  # turning
    0x87: 3,  # colour
    0x88: 9,  # place
    0x89: 11,  # place, finer
    0x8A: 2,  # volatile compounds
    0x8E: 1,  # switch
    0xBE: 2,  # wind
    0xBF: 2,
}
PRESENCE = 0x66


# Types that are a point of ours. What a digital input is for, and whether its 1 is a closed or an
# open contact, only its owner knows: that is no point.
READS: dict[int, Read] = {
    PRESENCE: lambda data: [reading("occupancy", bool(data[0]))],
    0x67: number("temperature", divisor=10, signed=True),
    0x68: number("humidity", divisor=2),
    0x70: number("humidity", divisor=10),
    0x74: number("battery_v", divisor=100),
    0x78: number("battery"),
}


def decode(frame: Frame) -> Found:
    """All channels; a type that nobody lists ends the reading."""
    payload, at = frame.payload or b"", 0
    found: list[Reading] = []
    while at < len(payload):
        head = payload[at : at + HEAD_SIZE]
        size = SIZES.get(head[1]) if len(head) == HEAD_SIZE else None
        if size is None:
            reason = f"byte {at}: {payload[at:].hex()} is no channel of a known type; left out"
            if not found:
                raise Unreadable(reason)
            return Found(tuple(found), (reason,))
        data = payload[at + HEAD_SIZE : at + HEAD_SIZE + size]
        if len(data) < size:
            raise Unreadable(f"byte {at}: type {head[1]:02x} needs {size} bytes; it is cut off")
        read = READS.get(head[1])
        found += read(data) if read is not None else ()
        at += HEAD_SIZE + size
    return Found(tuple(found))


DRIVER = Driver(
    name="cayenne_lpp",
    families=("sensor",),
    maker="Cayenne,myDevices,RAKwireless",
    models=("*", "cayenne*", "rakstandard*"),
    transport="lorawan",
    points=("occupancy", "battery", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "what its outputs switch, only its owner knows"),
    tested="frames",
    decode=decode,
)
