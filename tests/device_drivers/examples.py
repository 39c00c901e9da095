"""The examples in the drivers' folders, and the envelopes that tests wrap frames in."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import device_drivers
from device_drivers.bits import from_hex
from device_drivers.catalog import DRIVERS, decode
from device_drivers.driver import Decoded, Driver, Frame, Refused
from hub.commands.decode import decode_one

ROOT = Path(device_drivers.__file__).parent
EUI = "24e124136b502217"
CHIRPSTACK_TOPIC = f"application/a1/device/{EUI}/event/up"
TTS_TOPIC = f"v3/app@tenant/devices/eui-{EUI}/up"
TIME = "2026-01-01T00:00:00.250Z"
TIME_MS = 1_767_225_600_250

Example = dict[str, Any]


def examples_of(driver: Driver) -> list[Example]:
    """What stands in the `examples.yaml` of a driver's folder."""
    file = ROOT / driver.name / "examples.yaml"
    loaded: list[Example] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return loaded


def all_examples() -> Iterator[tuple[Driver, Example]]:
    """Every example of every driver."""
    for driver in DRIVERS.values():
        for example in examples_of(driver):
            yield driver, example


def payload_of(driver: Driver, example: Example) -> bytes:
    """The device's own bytes: hex in the examples of LoRaWAN drivers, text in the others.

    Bytes that are no text stand in the file as YAML's own `!!binary`.
    """
    text = example["payload"]
    if isinstance(text, bytes):
        return text
    return text.encode() if driver.receive is not None else from_hex(text)


def outcome_of(driver: Driver, example: Example) -> Decoded | Refused:
    """What the driver makes of an example; `model` is what the register would know of it."""
    if "model" in example:
        frame = Frame("", payload_of(driver, example), example.get("fport"), model=example["model"])
        return decode(driver, frame)
    return decode_one(
        payload_of(driver, example),
        driver,
        fport=example.get("fport"),
        topic=example.get("topic", ""),
        envelope="raw",
    )


def chirpstack(payload: bytes, fport: int = 85, **changes: Any) -> bytes:
    """A ChirpStack v4 uplink, in the documented shape."""
    body = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": TIME,
        "deviceInfo": {"deviceProfileName": "Milesight WS101", "devEui": EUI, "tags": {}},
        "fCnt": 7,
        "fPort": fport,
        "data": b64encode(payload).decode(),
        "rxInfo": [
            {"gatewayId": "0016C001F153A14C", "rssi": -90, "snr": 3.5},
            {"gatewayId": "0016c001f153a14d", "rssi": -36, "snr": 10.5},
        ],
    }
    return json.dumps({**body, **changes}).encode()


def tts(payload: bytes, fport: int = 85, **changes: Any) -> bytes:
    """An uplink of The Things Stack v3, in the documented shape."""
    uplink = {
        "session_key_id": "AYfg8rhha5n+FWx0ZaAprA==",
        "f_port": fport,
        "f_cnt": 7,
        "frm_payload": b64encode(payload).decode(),
        "rx_metadata": [
            {
                "gateway_ids": {"gateway_id": "gw-1", "eui": "6A7E111A10000000"},
                "rssi": -24,
                "snr": 12,
            }
        ],
        "version_ids": {"brand_id": "milesight-iot", "model_id": "ws101"},
        "received_at": TIME,
    }
    body = {
        "end_device_ids": {
            "device_id": f"eui-{EUI}",
            "application_ids": {"application_id": "app"},
            "dev_eui": EUI.upper(),
        },
        "received_at": "2026-01-01T00:00:00.500Z",
        "uplink_message": {**uplink, **changes},
    }
    return json.dumps(body).encode()
