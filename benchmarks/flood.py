"""A publisher that costs next to nothing: MQTT 3.1.1 packets made beforehand, sent as one stream.

Run as a program of its own: `python -m benchmarks.flood PORT COUNT RATE [DEVICES]`; RATE 0 is as
fast as the broker takes them. Prints nothing; ends when every message has its PUBACK.
"""

import socket
import struct
import sys
import time
from collections.abc import Iterator

PACKET_IDS = 65_535
CHUNK = 200
PUBACK_BYTES = 4
WINDOW = 20_000  # sent and not yet acknowledged; the broker's id space is 65,535


def length(size: int) -> bytes:
    """MQTT's variable length."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def packet(head: int, body: bytes) -> bytes:
    """One control packet."""
    return bytes([head]) + length(len(body)) + body


def publish(number: int, devices: int, run: str) -> bytes:
    """A counter's message at QoS 1."""
    topic = f"community/demo/counter/gym-{number % devices}/up".encode()
    said = f'{{"id":"{run}-{number}","uses":{number // devices},"battery":88}}'.encode()
    packet_id = struct.pack("!H", number % PACKET_IDS + 1)
    return packet(0x32, struct.pack("!H", len(topic)) + topic + packet_id + said)


def connected(port: int, name: str) -> socket.socket:
    """A session at the broker."""
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ident = name.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(ident)) + ident
    link.sendall(packet(0x10, body))
    link.recv(4)
    return link


def chunks(count: int, devices: int, run: str) -> Iterator[tuple[int, bytes]]:
    """Messages in chunks: how many, and their bytes."""
    for start in range(0, count, CHUNK):
        numbers = range(start, min(count, start + CHUNK))
        yield len(numbers), b"".join(publish(number, devices, run) for number in numbers)


def flood(port: int, count: int, rate: float, devices: int = 300) -> None:
    """Send `count` messages, `rate` a second."""
    run = str(time.time_ns())
    made = list(chunks(count, devices, run))
    link = connected(port, f"flood-{run}")
    begun, sent, received = time.perf_counter(), 0, 0
    for many, data in made:
        while sent - received // PUBACK_BYTES > WINDOW:
            received += len(link.recv(65_536))
        ahead_s = sent / rate - (time.perf_counter() - begun) if rate else 0.0
        if ahead_s > 0:
            time.sleep(ahead_s)
        link.sendall(data)
        sent += many
    while received // PUBACK_BYTES < sent:
        received += len(link.recv(65_536))
    link.close()


if __name__ == "__main__":
    flood(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:]))
