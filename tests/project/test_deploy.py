"""What runs in earnest: the compose file's shape, the image, the secrets, the broker's ACL.

No Docker engine is needed: the shape is read, and the very mosquitto.conf and ACL of the compose
file run in the Debian mosquitto, with only paths and port changed.
"""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
from ruamel.yaml import YAML

from device_drivers.catalog import DRIVERS, topics_of_all
from device_drivers.driver import Downlink, Publication
from device_drivers.envelopes import downlink
from hub.filters import covers
from tests.device_drivers.test_zigbee2mqtt import WARNING, device, listed
from tests.programs import free_port, program, wait_for_port

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"[a-z-]+:\d+\.\d+\.\d+(-[a-z-]+)?")
SECRET_NAMES = re.compile(r"PASSWORD|TOKEN|SECRET|HUB_BROKER")
SOON_S = 10.0
ROLES = ("forwarder", "listener", "lorawan", "radio", "sparkplug", "watch", "zigbee2mqtt")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return found


def test_every_image_is_pinned_to_one_version(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"mosquitto", "influxdb", "hub", "dashboard"}
    for service in compose["services"].values():
        assert PINNED.fullmatch(service["image"]), service["image"]
    bases = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert bases
    for base in bases:
        assert PINNED.fullmatch(base), base


def test_every_service_has_a_health_check_and_comes_back(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_what_must_survive_lies_in_volumes(compose: dict[str, Any]) -> None:
    def mounts(name: str) -> set[str]:
        return {mount.split(":")[1] for mount in compose["services"][name]["volumes"]}

    assert "/mosquitto/data" in mounts("mosquitto")
    assert "/var/lib/influxdb2" in mounts("influxdb")
    assert mounts("hub") == mounts("dashboard") == {"/data"}


def test_no_secret_stands_in_a_file_that_is_committed(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            assert not SECRET_NAMES.search(name), name
        for file in [service["env_file"]] if "env_file" in service else []:
            assert file.startswith("deploy/secrets/")
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("deploy/secrets/")
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/deploy/secrets/" in ignored


def test_hub_and_pages_run_from_one_image_as_nobody_special(compose: dict[str, Any]) -> None:
    hub, dashboard = compose["services"]["hub"], compose["services"]["dashboard"]
    assert hub["image"] == dashboard["image"]
    assert hub["command"] == ["hub", "run", "--no-dashboard"]
    assert dashboard["command"] == ["python", "-m", "dashboard_api"]

    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["hub"]
    assert any("--require-hashes" in line and "requirements.lock" in line for line in lines)


def test_the_image_gets_the_packages_that_the_distribution_has() -> None:
    copied = re.findall(r"^COPY (\w+) \w+$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    let_in = (ROOT / ".dockerignore").read_text()

    for package in copied:
        assert (ROOT / package / "__init__.py").exists()
        assert f"!{package}\n" in let_in
    assert set(copied) == {"device_drivers", "rules", "hub", "dashboard_api"}


def test_the_hubs_settings_in_the_compose_file_are_known(compose: dict[str, Any]) -> None:
    from hub.settings import read_settings  # noqa: PLC0415 - only this test needs it

    settings = read_settings(compose["services"]["hub"]["environment"], ROOT / "no-such.toml")

    assert settings.influx_api == "v2"
    influxdb = compose["services"]["influxdb"]["environment"]
    assert settings.influxdb_org == influxdb["DOCKER_INFLUXDB_INIT_ORG"]
    assert settings.influxdb_bucket == influxdb["DOCKER_INFLUXDB_INIT_BUCKET"]


def has_compose() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run([docker, "compose", "version"], check=False, capture_output=True)
    return asked.returncode == 0


@pytest.mark.docker
@pytest.mark.skipif(not has_compose(), reason="no docker compose here")
def test_docker_itself_accepts_the_file(tmp_path: Path) -> None:
    for name in ("docker-compose.yml", "deploy"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    subprocess.run([tmp_path / "deploy/make-secrets"], check=True, capture_output=True)

    subprocess.run(["docker", "compose", "config", "--quiet"], cwd=tmp_path, check=True)


@dataclass(frozen=True)
class Deployment:
    """The compose file's broker at `port`, with the passwords that `make-secrets` made."""

    port: int
    passwords: dict[str, str]

    @asynccontextmanager
    async def as_(self, name: str, password: str | None = None) -> Any:
        async with aiomqtt.Client(
            "127.0.0.1",
            self.port,
            username=name,
            password=self.passwords[name] if password is None else password,
        ) as client:
            yield client


def make_secrets(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    script = folder / "make-secrets"
    for file in ("make-secrets", "acl"):
        shutil.copy(ROOT / "deploy" / file, folder / file)
    return subprocess.run(
        [sys.executable, script, *names], capture_output=True, text=True, check=False
    )


def values_in(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deploy")
    assert make_secrets(folder).returncode == 0
    asked = [word for role in ROLES for word in ("--role", role)]
    printed = make_secrets(folder, "b-1", "b-2", "gw-1", *asked).stdout
    passwords = dict(line.split(" ") for line in printed.splitlines())
    broker = urlsplit(values_in(folder / "secrets/hub.env")["HUB_BROKER"])
    passwords["hub"] = broker.password or ""

    port = free_port()
    (folder / "data").mkdir()
    (folder / "mosquitto.conf").write_text(
        (ROOT / "deploy/mosquitto.conf")
        .read_text()
        .replace("listener 1883", f"listener {port} 127.0.0.1\nuser root")
        .replace("/run/secrets/", f"{folder}/secrets/")
        .replace("/mosquitto/config/acl", str(ROOT / "deploy/acl"))
        .replace("/mosquitto/data/", f"{folder}/data/")
    )
    process = subprocess.Popen([program("mosquitto"), "-c", folder / "mosquitto.conf"])
    try:
        wait_for_port(port, process)
        yield Deployment(port, passwords)
    finally:
        process.terminate()
        process.wait()


async def carried(
    deployment: Deployment, sender: str, topic: str, receiver: str = "hub", asked: str = ""
) -> bool:
    """Does what `sender` publishes on `topic` reach `receiver`, who subscribed to `asked`?

    A second message on a topic that is certainly carried ends the waiting.
    """
    async with deployment.as_("hub") as hub, deployment.as_(receiver) as hears:
        end = {"hub": "hub/demo/end", "listener": "hub/demo/end"}.get(
            receiver, f"community/demo/button/{receiver}/down"
        )
        await hears.subscribe(asked or topic, qos=1)
        await hears.subscribe(end, qos=1)
        async with deployment.as_(sender) as says:
            await says.publish(topic, b"probe", qos=1)
        await hub.publish(end, b"end", qos=1)
        async with asyncio.timeout(SOON_S):
            async for message in hears.messages:
                if message.payload == b"probe":
                    return True
                if message.payload == b"end":
                    return False
    raise AssertionError("the connection ended")


@pytest.mark.parametrize(
    ("sender", "topic", "receiver", "expected"),
    [
        ("b-1", "community/demo/button/b-1/up", "hub", True),
        ("b-1", "community/demo/button/b-1/status", "hub", True),
        ("gw-1", "community/demo/gateway/gw-1/status", "hub", True),
        ("b-1", "community/demo/button/b-2/up", "hub", False),
        ("b-1", "community/demo/button/b-2/status", "hub", False),
        ("b-1", "hub/demo/cases", "hub", False),
        ("b-1", "zigbee2mqtt/b-1", "hub", False),
        ("b-1", "community/demo/button/b-2/down", "b-2", False),
        ("hub", "community/demo/button/b-2/down", "b-2", True),
        ("hub", "community/demo/button/b-2/down", "b-1", False),
        ("b-2", "community/demo/button/b-2/up", "b-1", False),
        ("hub", "hub/demo/cases", "b-1", False),
        ("hub", "hub/demo/cases", "listener", True),
        ("b-1", "community/demo/button/b-1/up", "listener", False),
        ("listener", "hub/demo/cases", "hub", False),
        ("watch", "community/demo/button/canary/up", "hub", True),
        ("hub", "community/demo/button/canary/up", "hub", True),
        ("b-1", "community/demo/button/canary/up", "hub", False),
        ("watch", "community/demo/button/b-1/up", "hub", False),
        ("hub", "hub/demo/canary", "watch", True),
        ("hub", "hub/demo/state", "watch", True),
        ("hub", "hub/demo/cases", "watch", False),
        ("hub", "community/demo/button/b-1/up", "hub", False),
        # devices that speak by themselves
        ("b-1", "tele/b-1/SENSOR", "hub", True),
        ("b-1", "tele/b-2/SENSOR", "hub", False),
        ("b-1", "b-1/stat/RESULT", "hub", True),
        ("b-1", "b-2/stat/RESULT", "hub", False),
        ("hub", "cmnd/b-1/Backlog", "b-1", True),
        ("hub", "cmnd/b-1/Backlog", "b-2", False),
        ("hub", "cmnd/b-1/Power", "b-1", False),
        ("b-1", "cmnd/b-2/Backlog", "b-2", False),
        ("b-1", "shellies/b-1/input_event/0", "hub", True),
        ("b-1", "shellies/b-2/input_event/0", "hub", False),
        ("b-1", "b-1/events/rpc", "hub", True),
        ("b-1", "b-2/events/rpc", "hub", False),
        ("b-1", "b-1/binary_sensor/sos/state", "hub", True),
        ("b-1", "b-2/binary_sensor/sos/state", "hub", False),
        ("b-1", "homeassistant/binary_sensor/b-1/sos/config", "hub", True),
        ("b-1", "homeassistant/binary_sensor/b-2/sos/config", "hub", False),
        ("b-1", "homie/5/b-1/button/press", "hub", True),
        ("b-1", "homie/5/b-2/button/press", "hub", False),
        ("b-1", "lorawan/0102030405060708/85/up", "hub", False),
        ("b-1", "aqara/b-1", "hub", False),
        # what no driver listens to stays among those who say it
        ("b-1", "b-1/switch/lamp/state", "hub", False),
        # bridges and forwarders
        ("zigbee2mqtt", "zigbee2mqtt/flat/sos", "hub", True),
        ("hub", "zigbee2mqtt/flat/sos/set", "zigbee2mqtt", True),
        ("hub", "zigbee2mqtt/bridge/request/device/remove", "zigbee2mqtt", False),
        ("lorawan", "lorawan/0102030405060708/85/up", "hub", True),
        ("lorawan", "eu868/gateway/0102030405060708/event/stats", "hub", True),
        ("lorawan", "zigbee2mqtt/sos", "hub", False),
        ("radio", "home/gw/BTtoMQTT/AABBCCDDEEFF", "hub", True),
        ("sparkplug", "spBv1.0/g/DDATA/gw/d", "hub", True),
        ("forwarder", "/sys/key/dev/thing/event/property/post", "hub", True),
        ("forwarder", "aqara/gw", "hub", True),
        ("hub", "atom/g616/cmd/358800005942033/MESSAGE", "forwarder", True),
        ("forwarder", "community/demo/button/b-1/up", "hub", False),
    ],
)
async def test_everybody_says_and_hears_only_what_is_theirs(
    deployment: Deployment, sender: str, topic: str, receiver: str, expected: bool
) -> None:
    assert await carried(deployment, sender, topic, receiver) is expected


def allowed(user: str, *ways: str) -> list[str]:
    """The filters of a user in the ACL, in these ways: `read`, `write`, `readwrite`."""
    found, whose = [], ""
    for line in (ROOT / "deploy/acl").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "user":
            whose = rest
        elif kind == "topic" and whose == user:
            way, _, topic = rest.partition(" ")
            found += [topic] if way in ways else []
    return found


OF_A_BRIDGE = "$SYS/broker/connection/+/state"  # what HUB_SITE_LINK_TOPIC may name


def test_the_hub_may_read_what_its_drivers_listen_to_and_nothing_beside() -> None:
    readable = allowed("hub", "read", "readwrite")
    listened = ["community/#", "hub/#", OF_A_BRIDGE, *topics_of_all()]

    assert [one for one in listened if not any(covers(may, one) for may in readable)] == []
    assert [may for may in readable if not any(covers(may, one) for one in listened)] == []


def test_what_the_hub_may_read_somebody_may_say() -> None:
    """Each world has a pattern for its devices, or a role that speaks for them."""
    roles = [one for role in ROLES for one in allowed(role, "write", "readwrite")]
    lines = (ROOT / "deploy/acl").read_text().splitlines()
    patterns = [line.split()[2] for line in lines if line.startswith("pattern write ")]
    sayable = [*roles, *(one.replace("%u", "b-1") for one in patterns)]
    heard = [one for one in allowed("hub", "read") if one != OF_A_BRIDGE]  # the broker says that
    topics = [re.sub("[+#]", "b-1", one) for one in heard]

    own = "community/b-1"  # these are four levels deep
    unsaid = [one for one in topics if not any(covers(may, one) for may in sayable)]
    assert unsaid == [own]


SHOWN_ON = {
    "zigbee2mqtt": ["zigbee2mqtt/flat/one/sos"],
    "tasmota": ["tele/b-1/SENSOR", "b-1/stat/RESULT"],
    "zhzyou_watch": ["atom/g616/status/358800005942033"],
}
LORAWAN_ON = [
    "application/1/device/0102030405060708/rx",
    "application/5f3c9a52-0d6e-4a7b-9c1e-2b8d4f6a7c90/device/0102030405060708/event/up",
    "v3/app@ttn/devices/sos-1/up",
]


def test_the_hub_may_write_what_shows_a_person_that_somebody_has_heard() -> None:
    able = {name: one.show for name, one in DRIVERS.items() if one.show is not None}
    assert set(able) == set(SHOWN_ON)  # a new one needs a line here and in the ACL
    document = listed(device("flat/one/sos", WARNING)).documents("zigbee2mqtt:flat/one/sos")
    said: list[Publication | None] = [
        show("heard", topic, document) for name, show in able.items() for topic in SHOWN_ON[name]
    ]
    wanted = Downlink(85, b"\1")
    said += [downlink(topic, "lorawan:0102030405060708", wanted) for topic in LORAWAN_ON]
    writable = allowed("hub", "write", "readwrite")

    for one in said:
        assert one is not None
        assert any(covers(may, one.topic) for may in writable), one.topic


async def test_a_device_that_asks_for_everything_hears_only_its_own(
    deployment: Deployment,
) -> None:
    others = "community/demo/button/b-2/down"
    assert await carried(deployment, "hub", others, "b-1", asked="#") is False


@pytest.mark.parametrize(("name", "password"), [("b-1", "wrong"), ("nobody", "x"), ("hub", "")])
async def test_without_the_password_nobody_gets_in(
    deployment: Deployment, name: str, password: str
) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with deployment.as_(name, password):
            pass


async def test_without_a_name_nobody_gets_in(deployment: Deployment) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", deployment.port):
            pass


def test_secrets_are_random_closed_and_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for folder in ("one", "two"):
        assert make_secrets(tmp_path / folder).returncode == 0
    first, second = (values_in(tmp_path / f / "secrets/hub.env") for f in ("one", "two"))
    assert set(first) == {"HUB_BROKER", "HUB_WEBHOOK_SECRET", "INFLUXDB_V2_TOKEN"}
    assert all(first[name] != second[name] for name in first)

    influxdb = values_in(tmp_path / "one/secrets/influxdb.env")
    assert influxdb["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN"] == first["INFLUXDB_V2_TOKEN"]
    assert (tmp_path / "one/secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "one/secrets/hub.env").stat().st_mode & 0o777 == 0o600

    again = make_secrets(tmp_path / "one")
    assert again.returncode == 1
    assert "there already" in again.stderr
    assert values_in(tmp_path / "one/secrets/hub.env") == first


@pytest.mark.parametrize("name", ["a/b", "+", "#", "hub:x", "", "x" * 65])
def test_a_name_that_means_something_else_gets_no_password(tmp_path: Path, name: str) -> None:
    assert make_secrets(tmp_path).returncode == 0
    refused = make_secrets(tmp_path, name)

    assert refused.returncode == 1
    assert "expected letters" in refused.stderr


@pytest.mark.parametrize("role", ["listener", "zigbee2mqtt", "lorawan", "hub", "Listener"])
def test_no_device_is_called_like_a_role(tmp_path: Path, role: str) -> None:
    assert make_secrets(tmp_path).returncode == 0
    before = (tmp_path / "secrets/mosquitto-passwords").read_text()
    refused = make_secrets(tmp_path, "b-1", role)

    assert refused.returncode == 1
    assert "no device may be called so" in refused.stderr
    assert (tmp_path / "secrets/mosquitto-passwords").read_text() == before


@pytest.mark.parametrize("word", ["tele", "shellies", "homeassistant", "Application", "lorawan"])
def test_no_device_is_called_as_the_topics_of_others_begin(tmp_path: Path, word: str) -> None:
    assert make_secrets(tmp_path).returncode == 0
    refused = make_secrets(tmp_path, word)

    assert refused.returncode == 1
    assert "no device may be called so" in refused.stderr


def test_a_role_gets_its_password_when_it_is_asked_for_as_one(tmp_path: Path) -> None:
    assert make_secrets(tmp_path).returncode == 0
    made = make_secrets(tmp_path, "--role", "listener", "--role", "lorawan")
    unknown = make_secrets(tmp_path, "--role", "b-1")

    assert [line.split()[0] for line in made.stdout.splitlines()] == ["listener", "lorawan"]
    assert unknown.returncode == 1
    assert f"expected one of {', '.join(ROLES)}" in unknown.stderr


def test_a_name_gets_one_password_only(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    assert make_secrets(tmp_path, "b-1", "b-1").stdout.count("b-1 ") == 1
    assert make_secrets(tmp_path, "b-1").returncode == 1
    assert make_secrets(tmp_path, "hub").returncode == 1
