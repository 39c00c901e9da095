"""`hub decode` and `hub drivers`, as a person or a program calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from device_drivers.catalog import DRIVERS
from hub.cli import cli
from tests.device_drivers.examples import EUI, chirpstack, tts


def hub(*arguments: str, stdin: bytes = b"") -> Result:
    """The command with its arguments and standard input."""
    return CliRunner().invoke(cli, list(arguments), input=stdin)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--fport", "85"], b"017510ff2e01\n"),
        (["--fport", "85", "--envelope", "hex"], b"01 75 10 FF 2E 01"),
        (["--envelope", "base64"], b"AXUQ/y4B"),
        (["--envelope", "raw"], bytes.fromhex("017510ff2e01")),
        (["--envelope", "chirpstack"], chirpstack(bytes.fromhex("017510ff2e01"))),
        (["--envelope", "tts"], tts(bytes.fromhex("017510ff2e01"))),
    ],
)
def test_one_frame_in_every_envelope(arguments: list[str], stdin: bytes) -> None:
    """The same readings, however the frame is wrapped."""
    result = hub("decode", "--driver", "milesight_button", *arguments, stdin=stdin)
    printed = json.loads(result.output)

    assert result.exit_code == 0
    assert printed["driver"] == "milesight_button"
    assert [(one["point"], one["value"]) for one in printed["readings"][:2]] == [
        ("battery", 16.0),
        ("press", "single"),
    ]
    assert printed["readings"][0]["unit"] == "%"


def test_an_envelope_brings_device_and_time() -> None:
    """RFC 3339 in UTC; without `--driver` the envelope's own words find it."""
    result = hub("decode", "--envelope", "chirpstack", stdin=chirpstack(bytes.fromhex("ff2e02")))
    printed = json.loads(result.output)

    assert printed["device"] == f"lorawan:{EUI}"
    assert printed["readings"][0] == {
        "point": "press",
        "value": "long",
        "at": "2026-01-01T00:00:00.250Z",
    }


def test_a_native_message_with_and_without_its_topic() -> None:
    """The topic tells the device; without it the readings are the same."""
    topic = "community/demo/door/door-b3/up"
    payload = b'{"contact": "open"}'
    with_topic = hub("decode", "--driver", "native", "--topic", topic, stdin=payload)
    without = hub("decode", "--driver", "native", stdin=payload)

    assert json.loads(with_topic.output) == {
        "driver": "native",
        "device": "native:door-b3",
        "readings": [{"point": "contact", "value": "open"}],
    }
    assert json.loads(without.output)["device"] is None


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        (["--driver", "milesight_button"], b"ff2e", "cut off"),
        (["--driver", "milesight_button"], b"ff2", "even number of hex digits"),
        (["--driver", "milesight_button"], b"zz", "expected hex digits"),
        (["--driver", "milesight_button"], b"\xff\xfe", "expected hex"),
        (["--driver", "milesight_button", "--envelope", "base64"], b"%", "expected base64"),
        (["--driver", "native"], b'{"contact": 1}', "contact: expected open, closed"),
        (["--envelope", "tts"], b"{}", "no envelope known here"),
        (["--envelope", "json", "--driver", "milesight_door"], b"[]", "JSON object"),
    ],
)
def test_a_refused_message_says_why(arguments: list[str], stdin: bytes, reason: str) -> None:
    """JSON with the reason, and exit code 1."""
    result = hub("decode", *arguments, stdin=stdin)

    assert result.exit_code == 1
    assert reason in json.loads(result.output)["refused"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--driver is missing"),
        (["--driver", "milesight_buton"], "did you mean milesight_button?"),
        (["--driver", "x", "--envelope", "hex"], "`hub drivers` lists the names"),
        (["--driver", "native", "--fport", "999"], "999 is not in the range"),
        (["--driver", "native", "--envelope", "xml"], "'xml' is not one of"),
        (["--jsonl", "no-such-file"], "No such file"),
    ],
)
def test_wrong_options_are_said_in_words(arguments: list[str], words: str) -> None:
    """No traceback; what was wrong and what is right."""
    result = hub("decode", *arguments)

    assert result.exit_code in (1, 2)
    assert words in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def line(**changes: Any) -> bytes:
    """A line of a file of messages."""
    whole = {
        "id": "f1",
        "vendor": "Milesight",
        "model": "WS101-v2",
        "transport": "lorawan",
        "payload": "017510ff2e01",
        "payload_encoding": "hex",
        "fport": 85,
    }
    return json.dumps({**whole, **changes}).encode()


def decode_file(folder: Path, *lines: bytes) -> list[dict[str, Any]]:
    """What `hub decode --jsonl` prints for a file of these lines."""
    file = folder / "messages.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    result = hub("decode", "--jsonl", str(file))
    assert result.exit_code == 0, result.output
    return [json.loads(row) for row in result.output.splitlines()]


def test_a_line_comes_out_for_each_line_in(tmp_path: Path) -> None:
    """In the same order, with its id, whatever stands in the line."""
    printed = decode_file(
        tmp_path,
        line(),
        b"not JSON",
        b"",
        b'"text"',
        b"\xff\xfe",
        b"[" * 50_000,
        line(id="f2", payload="0175"),
        line(id="f3", vendor="Nobody"),
        line(id="f4", transport="pigeon"),
        line(id="f5", payload=5),
        line(id="f6", payload_encoding="morse"),
        line(id="f7", fport="85"),
        line(id=["f8"], vendor=8),
        line(
            id="f9",
            transport="zigbee2mqtt",
            topic="zigbee2mqtt/front_door",
            payload_encoding="json",
            payload={"contact": True},
        ),
    )

    assert printed[0] == {
        "id": "f1",
        "driver": "milesight_button",
        "device": None,
        "readings": [
            {"point": "battery", "value": 16.0, "unit": "%"},
            {"point": "press", "value": "single"},
        ],
    }
    assert [one["id"] for one in printed] == [
        "f1", None, None, None, None, None, "f2", "f3", "f4", "f5", "f6", "f7", ["f8"], "f9",
    ]  # fmt: skip
    assert all(set(one) == {"id", "refused"} for one in printed[1:-1])
    assert printed[-1]["readings"] == [{"point": "contact", "value": "closed"}]


def test_a_file_stands_alone() -> None:
    """Its lines name their own devices."""
    result = hub("decode", "--jsonl", "-", "--driver", "native")

    assert result.exit_code == 1
    assert "--jsonl stands alone" in result.output


def test_the_drivers_as_json_and_as_a_table() -> None:
    """Name, family, maker, model, transport, points, tested on what: for every driver."""
    listed = json.loads(hub("drivers", "--json").output)
    table = hub("drivers").output

    assert [row["name"] for row in listed] == list(DRIVERS)
    for row in listed:
        assert {"family", "maker", "models", "transport", "points", "tested"} <= set(row)
        assert row["tested"] in ("frames", "hardware")
        assert row["name"] in table
        assert all(model in table.replace("\n     ", "") for model in row["models"] if model != "*")
    assert max(map(len, table.splitlines())) <= 100  # it fits a terminal
    native = next(row for row in listed if row["name"] == "native")
    assert (native["shows"], native["topics"]) == (True, ["community/#"])
    for row in listed:
        driver = DRIVERS[row["name"]]
        shows = driver.show is not None or driver.show_frame is not None
        assert row["shows"] == (shows or row["name"] == "native")


@pytest.mark.parametrize(
    ("topic", "payload", "driver"),
    [
        ("community/demo/door/door-b3/up", b'{"contact": "open"}', "native"),
        ("zigbee2mqtt/door-b3", b'{"contact": false}', "zigbee2mqtt"),
        (
            f"application/a/device/{EUI}/event/up",
            chirpstack(bytes.fromhex("ff2e02")),
            "milesight_button",
        ),
    ],
)
def test_the_topic_tells_the_driver(topic: str, payload: bytes, driver: str) -> None:
    """Nobody has to know its name."""
    result = hub("decode", "--topic", topic, stdin=payload)

    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["driver"] == driver


def test_what_is_printed_is_as_people_write_it() -> None:
    """Chinese is Chinese; half a surrogate pair, which is no text, stays escaped."""
    topic = "community/demo/door/北门/up"
    result = hub("decode", "--topic", topic, stdin=b'{"contact": "open"}')
    half = hub("decode", "--topic", topic, stdin=b'{"contact": "\\ud800"}')

    assert '"device": "native:北门"' in result.output
    assert "contact" in json.loads(half.output)["refused"]


def test_numbered_points_are_one_word_of_the_table() -> None:
    """Sixteen counters of one device are no sixteen columns."""
    table = " ".join(hub("drivers").output.split())
    native = table[table.index("native ") : table.index("zigbee2mqtt ")]

    assert "uses_1…16, rep_1…16" in native
    assert "uses_2" not in native
