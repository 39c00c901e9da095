"""Home Assistant's MQTT discovery: configurations become announcements, messages are read by them.

Whatever announces itself that way can be read, whoever made it: the configuration says on which
topic an entity speaks, where in the message its value is, and what on and off are called.

Facts: Home Assistant's documentation of the MQTT integration: discovery topic and payload, device
discovery, abbreviations, availability.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from device_drivers.driver import (
    Announcement,
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.entities import (
    AVAILABILITY,
    EVENT,
    ONLINE,
    STATE,
    TRIGGER,
    entities,
    name_of_entity,
    press_of_trigger,
    read_entities,
    rendered,
    template_of,
)
from device_drivers.message import Message
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.words import POINTS_OF_NAMES, family_of, point_of

NAME = "home_assistant"
PREFIX = "homeassistant"
SHAPE = "homeassistant/{component}/[{node}/]{object}/config"
COMPONENTS_MAX = 256
TEXT_CHARACTERS_MAX = 512
# Bridges announce for devices that may be long dead: a configuration is nobody's sign of life.
DISCOVERY = "ha:discovery"
KEYS = "keys"  # the part under which a discovery topic's own keys are kept
READ = ("binary_sensor", "sensor", "event", "device_automation")

# Home Assistant's abbreviations, as far as the keys are read here.
ABBREVIATIONS = {
    "avty": "availability",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmps": "components",
    "dev": "device",
    "dev_cla": "device_class",
    "evt_typ": "event_types",
    "obj_id": "object_id",
    "p": "platform",
    "pl": "payload",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_cla": "state_class",
    "stat_t": "state_topic",
    "stype": "subtype",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
ABBREVIATIONS_OF_DEVICES = {
    "cns": "connections",
    "ids": "identifiers",
    "mdl": "model",
    "mf": "manufacturer",
}
# Ecosystems that announce themselves here and have a driver of their own for the topics: a device
# must not be two.
_ZIGBEE2MQTT = re.compile(r"zigbee2mqtt/(.+?)(?:/action)?")
_ESPHOME = re.compile(r"([^/]+)/(?:binary_sensor|sensor|text_sensor|event)/[^/]+/state")
_TOPIC = re.compile(r"[^$+#][^+#]{0,511}")
_IN_A_NAME = re.compile(r"[/+#\s]+")

Config = Mapping[str, Any]


class Owner(NamedTuple):
    """The device that an entity belongs to."""

    address: str
    driver: str
    name: str | None
    maker: str | None
    model: str | None


class Entity(NamedTuple):
    """One component of a configuration, with its part and its topic."""

    part: str
    component: str
    config: Config


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """A configuration, or a message on a topic that one announced; understood or refused."""
    levels = message.topic.split("/")
    is_configuration = levels[0] == PREFIX and levels[-1] == "config"
    if not is_configuration and (levels[0] != PREFIX or entities(documents(message.topic))):
        return _speak(message, documents)  # many speak below the prefix as well
    if len(levels) not in (4, 5) or levels[-1] != "config":
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    fallback = f"ha:{'-'.join(levels[2:-1])}" if all(map(is_name, levels[2:-1])) else "ha:unnamed"
    try:
        return _configure(message, levels[1], fallback, documents)
    except Unreadable as error:
        return Refused(str(error), DISCOVERY, NAME, "gateway")


def _configure(
    message: Message, component: str, fallback: str, documents: Documents
) -> Decoded | Refused:
    before = (documents(message.topic).get(KEYS) or {}).get("kept", {})
    config = _expanded(json_object(message)) if message.payload.strip() else {}
    owner = _owner(config, fallback)
    announcements: list[Announcement] = []
    warnings: list[str] = []
    for entity in _entities(message.topic, component, config):
        try:
            announcements += _announce(entity, owner)
        except Unreadable as error:
            warnings.append(f"{entity.part}: {error}")
    if warnings and not announcements:
        return Refused("; ".join(warnings), DISCOVERY, NAME, "gateway")
    all_told = _with_memory(message.topic, announcements, before)
    return Decoded(NAME, DISCOVERY, "gateway", (), warnings=tuple(warnings), announcements=all_told)


def _with_memory(
    topic: str, announcements: list[Announcement], before: Config
) -> tuple[Announcement, ...]:
    """What is announced, what is taken back, and what to take back some day.

    An empty configuration does not say whose it was: the discovery topic keeps its own keys.
    """
    now: dict[str, list[str]] = {}
    for one in announcements:
        now.setdefault(one.key, []).append(one.part)
    gone = [
        Announcement(key, part)
        for key, parts in before.items()
        for part in parts
        if part not in now.get(key, ())
    ]
    kept = [Announcement(topic, KEYS, {"kept": now} if now else {})] if now or before else []
    return (*announcements, *gone, *kept)


def _expanded(body: Config) -> dict[str, Any]:
    """A configuration in whole words, `~` put in."""
    whole = {ABBREVIATIONS.get(key, key): value for key, value in body.items()}
    device = whole.get("device")
    if isinstance(device, dict):
        whole["device"] = {ABBREVIATIONS_OF_DEVICES.get(key, key): v for key, v in device.items()}
    if isinstance(whole.get("availability"), dict):
        whole["availability"] = [whole["availability"]]
    if isinstance(whole.get("availability"), list):
        whole["availability"] = [
            _expanded(one) for one in whole["availability"] if isinstance(one, dict)
        ]
    return _based(whole, whole.get("~"))


def _based(whole: dict[str, Any], base: Any) -> dict[str, Any]:
    if not isinstance(base, str):
        return whole
    for key, value in whole.items():
        if key == "availability" and isinstance(value, list):
            whole[key] = [_based(one, base) for one in value]
        elif key.endswith("topic") and isinstance(value, str):
            whole[key] = _put(base, value)
    return whole


def _put(base: str, topic: str) -> str:
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _entities(topic: str, component: str, config: Config) -> Iterator[Entity]:
    """The components of a configuration: the one of its topic, or all of a device."""
    if component != "device":
        if config:
            yield Entity(topic, component, config)
        return
    components = config.get("components")
    if not isinstance(components, dict) or len(components) > COMPONENTS_MAX:
        if config:
            raise Unreadable(f"components: expected up to {COMPONENTS_MAX} of them")
        return
    shared = {key: value for key, value in config.items() if key != "components"}
    for name, one in components.items():
        whole = isinstance(one, dict) and set(one) - {"p", "platform"}  # the platform alone: gone
        if whole and name.isprintable():
            own = _based(_expanded(one), config.get("~"))
            kind = own.get("platform")
            yield Entity(
                f"{topic}#{name}"[:TEXT_CHARACTERS_MAX], str(kind), {**shared, **own, "id": name}
            )


def _announce(entity: Entity, owner: Owner) -> list[Announcement]:
    """An entity's own announcement, and one for each topic that tells whether it is there."""
    if entity.component not in READ:
        return []
    document = _document(entity)
    if document is None:
        return []
    key = "topic" if entity.component == "device_automation" else "state_topic"
    topic = _topic(entity.config, key)
    reachable = list(_availability(entity, owner))
    owner = _owner_by_topic(owner, topic)
    document["address"] = owner.address
    topics = tuple(dict.fromkeys((topic, *(one.key for one in reachable))))
    point = "press" if document["role"] in (TRIGGER, EVENT) else _point(document)
    announcement = Announcement(
        topic,
        entity.part,
        document,
        topics,
        owner.address,
        family_of([point]),
        owner.name,
        owner.maker,
        owner.model,
        owner.driver,
    )
    whose = (owner.address, owner.driver)
    return [announcement, *(_handed(one, *whose) for one in reachable)]


def _handed(one: Announcement, address: str, driver: str) -> Announcement:
    return one._replace(
        document={**one.document, "address": address}, address=address, driver=driver
    )


def _point(document: Config) -> str | None:
    return point_of(document["name"], document.get("unit", ""))


def _document(entity: Entity) -> dict[str, Any] | None:
    """What messages are read by; None for an entity that says nothing of ours."""
    config = entity.config
    if entity.component == "device_automation":
        return _trigger(config)
    template = template_of(_optional(config, "value_template"))
    names = [template.leaf, *_own_names(entity)]
    if entity.component == "event":
        known = next((name for name in names if point_of(name) == "press"), "button")
        button = config.get("device_class") in (None, "button", "doorbell")
        return _kept(EVENT, known, config) if button else None
    name = name_of_entity(entity.component, config, names)
    if name is None:
        return None
    return {
        **_kept(STATE, name, config),
        "component": entity.component,
        "unit": _optional(config, "unit_of_measurement") or "",
        "on": rendered(config.get("payload_on", "ON")),
        "off": rendered(config.get("payload_off", "OFF")),
    }


def _kept(role: str, name: str, config: Config) -> dict[str, Any]:
    return {"role": role, "name": name, "template": _optional(config, "value_template")}


def _trigger(config: Config) -> dict[str, Any] | None:
    """A device trigger: one payload of a topic stands for one kind of press."""
    press = press_of_trigger(config)
    if press is None:
        return None
    template_of(_optional(config, "value_template"))
    payload = config.get("payload")
    return {
        **_kept(TRIGGER, "button", config),
        "press": press,
        "payload": None if payload is None else rendered(payload),
    }


def _own_names(entity: Entity) -> list[str]:
    """The entity's names, the device's taken out of them; that one only where it has no other."""
    config = entity.config
    device = config.get("device")
    of_device = device.get("name") if isinstance(device, dict) else None
    object_id = entity.part.split("/")[-2] if entity.part.endswith("/config") else ""
    names = [config.get("name"), config.get("id"), config.get("object_id"), object_id]
    texts = [name for name in names if isinstance(name, str) and name]
    if not isinstance(of_device, str) or not of_device:
        return texts
    own = [name.replace(of_device, "") for name in texts]
    return own if config.get("name") else [*own, of_device]


def _availability(entity: Entity, owner: Owner) -> Iterator[Announcement]:
    config = entity.config
    several = config.get("availability")
    one = {
        "topic": config.get("availability_topic"),
        "value_template": config.get("availability_template"),
        "payload_available": config.get("payload_available", "online"),
        "payload_not_available": config.get("payload_not_available", "offline"),
    }
    for told in several if isinstance(several, list) else [one]:
        if told.get("topic") is None:
            continue
        document = {
            "role": AVAILABILITY,
            "name": ONLINE,
            "template": _optional(told, "value_template"),
            "on": rendered(told.get("payload_available", "online")),
            "off": rendered(told.get("payload_not_available", "offline")),
        }
        try:
            template_of(document["template"])
            topic = _topic(told, "topic")
        except Unreadable:
            continue  # whether it is there cannot be read; what it says can
        yield Announcement(topic, entity.part, document, address=owner.address)


def _owner(config: Config, fallback: str) -> Owner:
    device = config.get("device")
    about: Config = device if isinstance(device, dict) else {}
    identifier = _identifier(about, config)
    return Owner(
        f"ha:{identifier}" if identifier else fallback,
        NAME,
        _shown_name(about.get("name")) or _shown_name(config.get("name")),
        _shown_name(about.get("manufacturer")),
        _shown_name(about.get("model")),
    )


def _owner_by_topic(owner: Owner, topic: str) -> Owner:
    """The address of an ecosystem that has a driver of its own for this topic."""
    if match := _ZIGBEE2MQTT.fullmatch(topic):
        return owner._replace(address=f"zigbee2mqtt:{match[1]}", driver="zigbee2mqtt")
    if match := _ESPHOME.fullmatch(topic):
        return owner._replace(address=f"esphome:{match[1]}", driver="esphome")
    return owner


def _identifier(device: Config, config: Config) -> str | None:
    ids = device.get("identifiers")
    connections = device.get("connections")
    first = ids[0] if isinstance(ids, list) and ids else ids
    if first is None and isinstance(connections, list) and connections:
        pair = connections[0]
        first = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
    for one in (first, config.get("unique_id")):
        if isinstance(one, str | int):
            name = _IN_A_NAME.sub("-", str(one))
            if is_name(name):
                return name
    return None


def _shown_name(value: Any) -> str | None:
    is_text = isinstance(value, str) and 0 < len(value) <= TEXT_CHARACTERS_MAX
    return value if is_text and value.isprintable() else None


def _optional(config: Config, key: str) -> str | None:
    value = config.get(key)
    if value is None or (isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX):
        return value
    raise Unreadable(f"{key}: expected text, not {shown(value)}")


def _topic(config: Config, key: str) -> str:
    topic = config.get(key)
    if isinstance(topic, str) and _TOPIC.fullmatch(topic) and topic.isprintable():
        return topic
    raise Unreadable(f"{key}: expected a topic without + and #, not {shown(topic)}")


def _speak(message: Message, documents: Documents) -> Decoded | Refused:
    """A message on an announced topic: all entities of it at once."""
    among = entities(documents(message.topic))
    if not among:
        return Refused(f"topic {shown(message.topic)}: nothing was announced for it", driver=NAME)
    addresses = sorted({str(one.get("address")) for one in among})
    if len(addresses) > 1:
        return _shared(message, among, addresses)
    try:
        said = read_entities(message, among)
    except Unreadable as error:
        return Refused(str(error), addresses[0], NAME)
    return Decoded(NAME, addresses[0], None, said.readings, warnings=said.warnings)


def _shared(message: Message, among: list[Config], addresses: list[str]) -> Decoded | Refused:
    """A topic of several devices is a gateway's, where it only tells whether it is there."""
    address = f"ha:{_IN_A_NAME.sub('-', message.topic)}"
    if any(one["role"] != AVAILABILITY for one in among):
        names = ", ".join(addresses[:3])
        reason = f"the topic is announced for {len(addresses)} devices ({names} …), not for one"
        return Refused(reason, driver=NAME)
    try:
        said = read_entities(message, among)
    except Unreadable as error:
        return Refused(str(error), address, NAME, "gateway")
    return Decoded(NAME, address, "gateway", said.readings, warnings=said.warnings)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="ha-discovery",
    points=(*POINTS_OF_NAMES, "online"),
    expected_silence_s=26 * 3_600,
    heard=Heard("none", "entities that can be told something have nothing in common"),
    tested="frames",
    receive=receive,
    topics=("homeassistant/#",),
    subscriptions=("homeassistant/+/+/config", "homeassistant/+/+/+/config"),
    topic="homeassistant/binary_sensor/unknown/config",
)
