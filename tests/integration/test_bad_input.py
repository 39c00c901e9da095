"""Bad input to the whole hub: a clear word about each, nothing lost, nothing fallen."""

import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from rules.loader import COMMUNITY
from tests.integration.hub_process import (
    Ear,
    HubProcess,
    command,
    ear,
    hub_process,
    note,
    quick_client,
)
from tests.programs import Mosquitto

RANDOM_MESSAGES = 1_000
DEEP = b'{"uses":' * 20_000 + b"1" + b"}" * 20_000

# What the payload of a counter may hold that no counter would say.
PAYLOADS: dict[str, bytes] = {
    "ten-megabytes": b'{"uses": 1, "note": "' + b"x" * 10_000_000 + b'"}',
    "ten-megabytes-of-nothing": b"\0" * 10_000_000,
    "deep-objects": DEEP,
    "deep-lists": b"[" * 200_000,
    "not-utf-8": b'{"uses": "\xff\xfe\xc3"}',
    "half-a-surrogate": b'{"press": "\\ud800"}',
    "nul": b'{"uses": 1}\0',
    "nul-in-a-name": b'{"us\\u0000es": 1}',
    "empty": b"",
    "no-object": b"[1, 2, 3]",
    "cut-off": b'{"uses": 1',
    "not-a-number": b'{"uses": NaN}',
    "beyond-floats": b'{"uses": 1e999}',
    "five-hundred-digits": b'{"uses": ' + b"9" * 500 + b"}",
    "below-all": b'{"temperature": -1e308, "uses": -5}',
    "time-before-time": b'{"uses": 3, "ts": -9223372036854775808}',
    "time-after-time": b'{"uses": 4, "ts": 99999999999999999999999}',
    "time-in-words": b'{"uses": 5, "ts": "the day after tomorrow"}',
    "long-id": b'{"uses": 6, "id": "' + b"i" * 100_000 + b'"}',
    "wrong-kinds": b'{"uses": {"a": []}, "contact": 7, "press": null, "battery": "full"}',
    "unknown-words": b'{"colour": "blue"}',
    "many-keys": msgspec.json.encode({f"key-{number}": number for number in range(20_000)}),
}

# Topics that fit nothing the hub knows, although it hears them.
TOPICS = [
    "community/demo/button",
    "community/demo/button//up",
    "community/demo//x/up",
    "community/demo/button/x/up/more",
    "community/demo/window/x/up",
    "community/demo/button/x/sideways",
    "community/demo/gateway/x/up",
    "community/demo/counter/*/up",
    "community/demo/counter/%2B/up",
    "community/demo/counter/%23/up",
    "community/demo/counter/＃/up",
    "community/demo/counter/a b/up",
    "community/demo/counter/../up",
    "community/demo/counter/'; DROP TABLE journal; --/up",
    "community/demo/counter/{x}%s%n/up",
    "community/demo/counter/\u202edoor/up",
    f"community/demo/counter/{'n' * 30_000}/up",
    "zigbee2mqtt/ ",
    "zigbee2mqtt/x/availability",
    "application//device//event/up",
    "v3//devices//up",
]
OTHER_TOPICS = [
    "zigbee2mqtt/noise-{0}",
    "zigbee2mqtt/noise-{0}/availability",
    "application/noise/device/{0:016x}/event/up",
    "v3/noise@ttn/devices/noise-{0}/up",
    "community/demo/button/noise-{0}/up",
    "community/demo/door/noise-{0}/up",
    "community/demo/counter/noise-{0}/up",
    "community/demo/door/noise-{0}/status",
    "community/demo/gateway/noise-{0}/status",
]


@dataclass
class Gate:
    """A running hub with the community's rules, and what it tells of cases and presses.

    An opened case of a door's sensor is told at once, and comes the same way as everything but
    presses: once it is told, all that was sent before it has been kept.
    """

    hub: HubProcess
    client: aiomqtt.Client
    told: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    listening: Ear | None = None

    def hear(self, topic: str, body: dict[str, Any]) -> None:
        """A message of the hub."""
        if topic == "hub/demo/cases":
            self.told.add(body["device"])
        elif "heard" in body:
            self.answered.add(body["heard"])

    async def send(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has it."""
        await self.client.publish(topic, payload, qos=1)

    async def still_works(self, name: str) -> None:
        """Everything before is kept, and a press now gets its answer and its case."""
        assert self.listening is not None
        await self.send(f"community/demo/door/seal-{name}/up", b'{"tamper": true}')
        await self.send(
            f"community/demo/button/press-{name}/up",
            msgspec.json.encode({"press": "sos", "id": name}),
        )
        wanted = {f"native:seal-{name}", f"native:press-{name}"}
        await self.listening.until(
            lambda: wanted <= self.told and name in self.answered, self.hub.story
        )

    def refusals(self) -> dict[str, list[str]]:
        """The reasons that were kept, by topic."""
        found: dict[str, list[str]] = {}
        for (text,) in self.hub.rows("SELECT body FROM journal WHERE kind = 'refusal'"):
            body = msgspec.json.decode(text)
            found.setdefault(body["topic"], []).append(body["reason"])
        return found

    def speakers(self) -> set[str]:
        """Every device of which there is a reading."""
        return {row[0] for row in self.hub.rows("SELECT device FROM journal WHERE kind='reading'")}


@pytest.fixture
async def gate(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[Gate]:
    """A hub that is not started yet."""
    topics = ["hub/demo/cases", "community/demo/button/+/down"]
    async with hub_process(tmp_path, broker) as hub, quick_client(broker) as client:
        found = Gate(hub, client)
        async with ear(broker, topics, found.hear) as found.listening:
            yield found


async def test_payloads_and_topics_that_nobody_means(gate: Gate) -> None:
    """Each is in the journal with a reason, or as what could be understood of it."""
    await gate.hub.start()
    for name, payload in PAYLOADS.items():
        await gate.send(f"community/demo/counter/{name}/up", payload)
        await gate.send(f"community/demo/button/b-{name}/up", payload)
    for topic in TOPICS:
        await gate.send(topic, b'{"uses": 1}')
    await gate.still_works("after")
    assert await gate.hub.stop() == 0

    refusals, speakers = gate.refusals(), gate.speakers()
    for name in PAYLOADS:
        for family, device in (("counter", name), ("button", f"b-{name}")):
            reasons = refusals.get(f"community/demo/{family}/{device}/up", [])
            assert reasons or f"native:{device}" in speakers, device
            assert all(0 < len(reason) < 1_000 for reason in reasons)
    for topic in TOPICS:
        assert refusals.get(topic) or _device_of(topic) in speakers, topic
    assert (
        "10000023 bytes; at most 262144" in refusals["community/demo/counter/ten-megabytes/up"][0]
    )
    assert "nested too deep" in refusals["community/demo/counter/deep-objects/up"][0]
    # of a button that nobody understands somebody may have pressed
    undecodable = gate.hub.rows("SELECT device FROM journal WHERE body LIKE '%undecodable%'")
    assert ("native:b-not-utf-8",) in undecodable
    kept = gate.hub.rows("SELECT max(length(raw)) FROM journal")
    assert kept == [(16_384,)]


def _device_of(topic: str) -> str:
    parts = topic.split("/")
    return f"native:{parts[3]}" if parts[0] == "community" else f"{parts[0]}:{parts[1]}"


async def test_a_thousand_random_messages(gate: Gate) -> None:
    """Every one is kept as a reading or as a refusal with its reason; the hub works on."""
    dice = random.Random(20260304)
    await gate.hub.start()
    topics = []
    for number in range(RANDOM_MESSAGES):
        topics.append(dice.choice(OTHER_TOPICS).format(number))
        await gate.send(topics[-1], _garbage(dice))
    await gate.still_works("after")
    assert await gate.hub.stop() == 0

    refusals, speakers = gate.refusals(), gate.speakers()
    missing = [
        topic
        for number, topic in enumerate(topics)
        if not refusals.get(topic) and not any(_is_of(speaker, number) for speaker in speakers)
    ]
    assert missing == []
    note(f"{len(refusals)} topics refused, {len(speakers)} senders read")


def _is_of(speaker: str, number: int) -> bool:
    return speaker.endswith((f"noise-{number}", f"{number:016x}"))


def _garbage(dice: random.Random) -> bytes:
    """Bytes, broken JSON, or JSON with words that devices use."""
    kind = dice.randrange(4)
    if kind == 0:
        return dice.randbytes(dice.randrange(200))
    words = ["press", "contact", "uses", "rep", "battery", "ts", "id", "via", "action", "tamper"]
    words += ["data", "fPort", "deviceInfo", "devEui", "uplink_message", "end_device_ids", "state"]
    values: list[Any] = ["sos", "open", True, None, -1, 3, 1e300, 2**63, [], {}, "\x00", "Aw==", ""]
    body: dict[str, Any] = {dice.choice(words): dice.choice(values) for _ in range(5)}
    body[dice.choice(words)] = {dice.choice(words): dice.choice(values)}
    text = msgspec.json.encode(body)
    if kind == 1:
        return text[: dice.randrange(len(text))]
    if kind == 2:
        place = dice.randrange(len(text))
        return text[:place] + dice.randbytes(3) + text[place:]
    return text


async def test_a_retained_press_is_none(gate: Gate) -> None:
    """The broker's copy of an old press, handed over at the first subscription."""
    topic = "community/demo/button/old/up"
    await gate.client.publish(topic, b'{"press": "sos", "id": "old"}', qos=1, retain=True)
    await gate.hub.start()
    await gate.still_works("after")
    assert await gate.hub.stop() == 0

    assert "retained copy of an event" in gate.refusals()[topic][0]
    assert gate.told == {"native:seal-after", "native:press-after"}
    assert gate.answered == {"after"}


# -- the command line ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Mistake:
    """Settings and files that cannot be used, and the words that must be said about them."""

    words: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


MISTAKES = {
    "unknown name": Mistake(
        ("HUB_DATA_DIRR", "did you mean HUB_DATA_DIR"), {"HUB_DATA_DIRR": "data"}
    ),
    "no number": Mistake(
        ("HUB_DELIVER_TRIES_MAX", "whole number", "'many'"), {"HUB_DELIVER_TRIES_MAX": "many"}
    ),
    "a bound of nothing": Mistake(
        ("HUB_BATCH_MESSAGES_MAX", "from 1 up"), {"HUB_BATCH_MESSAGES_MAX": "0"}
    ),
    "no broker's address": Mistake(
        ("HUB_BROKER", "mqtt[s]://"), {"HUB_BROKER": "http://127.0.0.1:1883"}
    ),
    "no port": Mistake(("HUB_BROKER", "ort"), {"HUB_BROKER": "mqtt://127.0.0.1:99999999"}),
    "a topic that is no filter": Mistake(("HUB_TOPICS", "'a/#/b'"), {"HUB_TOPICS": "x/+,a/#/b"}),
    "a keep-alive beyond MQTT": Mistake(
        ("HUB_MQTT_KEEPALIVE_S", "65535"), {"HUB_MQTT_KEEPALIVE_S": "100000"}
    ),
    "no settings file": Mistake(("HUB_SETTINGS", "nowhere.toml"), {"HUB_SETTINGS": "nowhere.toml"}),
    "broken hub.toml": Mistake(
        ("hub.toml", "line 2"), files={"hub.toml": "http = 'x'\nbroker =\n"}
    ),
    "unknown name in hub.toml": Mistake(
        ("hub.toml", "brokr", "did you mean broker"), files={"hub.toml": "brokr = 'embedded'\n"}
    ),
    "no site file": Mistake(("nowhere.yaml", "No such file"), {"HUB_SITE_FILE": "nowhere.yaml"}),
    "broken site file": Mistake(
        ("site.yaml:2",), {"HUB_SITE_FILE": "site.yaml"}, {"site.yaml": "id: demo\nzone: }\n"}
    ),
    "wrong site file": Mistake(
        ("site.yaml:2", "Asia/Shanghai"),
        {"HUB_SITE_FILE": "site.yaml"},
        {"site.yaml": "id: demo\nzone: Asia/Shanghia\n"},
    ),
    "broken rules": Mistake(
        ("broken.yaml:3",),
        {"HUB_RULES_DIR": "mine"},
        {"mine/broken.yaml": "rules:\n  - rule: a\n    when: }\n"},
    ),
    "wrong rules": Mistake(
        ("wrong.yaml:3", "severity"),
        {"HUB_RULES_DIR": "mine"},
        {
            "mine/wrong.yaml": "rules:\n  - rule: a\n    severity: emergancy\n"
            "    category: emergency\n    when: {point: press, happens: [sos]}\n"
        },
    ),
    "no folder of rules": Mistake(("nowhere",), {"HUB_RULES_DIR": "nowhere"}),
    "data folder is a file": Mistake(("a-file",), {"HUB_DATA_DIR": "a-file"}, {"a-file": "text"}),
    "data folder below a file": Mistake(
        ("a-file",), {"HUB_DATA_DIR": "a-file/data"}, {"a-file": "text"}
    ),
    "data folder on nothing": Mistake(("/proc/none",), {"HUB_DATA_DIR": "/proc/none/data"}),
    "garbage for a database": Mistake(("hub.db",), files={"data/hub.db": "no database " * 1_000}),
    "garbage for a series": Mistake(
        ("series.db",), files={"data/series.db": "no database " * 1_000}
    ),
    "database of another kind": Mistake(
        ("HUB_DATABASE_URL", "sqlite"), {"HUB_DATABASE_URL": "postgresql://127.0.0.1/hub"}
    ),
    "no dialect of InfluxDB": Mistake(("HUB_INFLUX_API", "v1, v2 or v3"), {"HUB_INFLUX_API": "v4"}),
    "no address of InfluxDB": Mistake(
        ("INFLUXDB_V2_URL", "http://"), {"INFLUXDB_V2_URL": "localhost"}
    ),
    "no organisation of InfluxDB": Mistake(
        ("INFLUXDB_V2_ORG",), {"INFLUXDB_V2_URL": "http://127.0.0.1:8086"}
    ),
    "no webhook": Mistake(("HUB_WEBHOOK_URL",), {"HUB_WEBHOOK_URL": "ftp://nowhere"}),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_in_settings_is_told_in_words(tmp_path: Path, name: str) -> None:
    """Exit code 1, the place and what was expected, and never a traceback."""
    mistake = MISTAKES[name]
    for file, text in mistake.files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    settings = {"HUB_BROKER": "mqtt://127.0.0.1:9", "HUB_DATA_DIR": "data", **mistake.settings}
    if "hub.toml" in mistake.files:
        del settings["HUB_BROKER"]
    code, output, errors = await command("run", "--no-dashboard", folder=tmp_path, **settings)

    assert code == 1, output + errors
    assert "Traceback" not in output + errors
    assert all(word in errors for word in mistake.words), errors
    assert "The hub runs" not in output


async def test_an_import_that_cannot_be_read(tmp_path: Path) -> None:
    """Every mistake of the file is named with its line; nothing of it is kept."""
    header = "id,family,driver,address,name_zh\n"
    file = tmp_path / "devices.csv"
    file.write_text(f"{header}d1,door,native,native:d1,门\nd2,dor,native,native:d2,门\nd3,door\n")
    settings = {"HUB_DATA_DIR": str(tmp_path / "data")}
    code, output, errors = await command("import", str(file), folder=tmp_path, **settings)

    assert code == 1
    assert "Traceback" not in output + errors
    assert f"{file}:3" in errors
    assert "did you mean door" in errors
    assert f"{file}:4" in errors
    code, output, _errors = await command("export", "devices", folder=tmp_path, **settings)
    assert (code, output.count("\n")) == (0, 1)


async def test_rules_that_cannot_be_read(tmp_path: Path) -> None:
    """`hub rules check` names file and line."""
    shutil.copytree(COMMUNITY, tmp_path / "rules")
    (tmp_path / "rules" / "broken.yaml").write_text("rules:\n  - rule: a\n   when: {\n")
    code, output, errors = await command("rules", "check", "rules", folder=tmp_path)

    assert code == 1
    assert "Traceback" not in output + errors
    assert "broken.yaml:3" in output + errors
