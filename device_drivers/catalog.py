"""Every driver by name, and the way from a message to the driver that understands it.

A new family is one import and one line in `_ALL`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from device_drivers.abeeway_at3.driver import DRIVER as ABEEWAY_AT3
from device_drivers.abeeway_tracker.driver import DRIVER as ABEEWAY_TRACKER
from device_drivers.adeunis.driver import DRIVER as ADEUNIS
from device_drivers.advantech_eva.driver import DRIVER as ADVANTECH_EVA
from device_drivers.advantech_wise.driver import DRIVER as ADVANTECH_WISE
from device_drivers.ai_gym.driver import DRIVER as AI_GYM
from device_drivers.alink.driver import DRIVER as ALINK
from device_drivers.aqara_lan.driver import DRIVER as AQARA_LAN
from device_drivers.arwin.driver import DRIVER as ARWIN
from device_drivers.ascoel.driver import DRIVER as ASCOEL
from device_drivers.asystom.driver import DRIVER as ASYSTOM
from device_drivers.awish.driver import DRIVER as AWISH
from device_drivers.browan_merryiot.driver import DRIVER as BROWAN_MERRYIOT
from device_drivers.browan_tabs.driver import DRIVER as BROWAN_TABS
from device_drivers.cayenne_lpp.driver import DRIVER as CAYENNE_LPP
from device_drivers.cells import percent_of
from device_drivers.chirpstack_gateway.driver import DRIVER as CHIRPSTACK_GATEWAY
from device_drivers.comtac_cluey.driver import DRIVER as COMTAC_CLUEY
from device_drivers.comtac_cm.driver import DRIVER as COMTAC_CM
from device_drivers.comtac_lpn.driver import DRIVER as COMTAC_LPN
from device_drivers.comtac_ms3.driver import DRIVER as COMTAC_MS3
from device_drivers.comtac_td1.driver import DRIVER as COMTAC_TD1
from device_drivers.ctwing.driver import DRIVER as CTWING
from device_drivers.decentlab.driver import DRIVER as DECENTLAB
from device_drivers.digital_matter.driver import DRIVER as DIGITAL_MATTER
from device_drivers.dnt.driver import DRIVER as DNT
from device_drivers.dragino_button.driver import DRIVER as DRAGINO_BUTTON
from device_drivers.dragino_cpl03.driver import DRIVER as DRAGINO_CPL03
from device_drivers.dragino_door.driver import DRIVER as DRAGINO_DOOR
from device_drivers.dragino_lht65.driver import DRIVER as DRAGINO_LHT65
from device_drivers.dragino_lt.driver import DRIVER as DRAGINO_LT
from device_drivers.dragino_nb.driver import DRIVER as DRAGINO_NB
from device_drivers.dragino_pulse.driver import DRIVER as DRAGINO_PULSE
from device_drivers.dragino_sensor.driver import DRIVER as DRAGINO_SENSOR
from device_drivers.dragino_sn50.driver import DRIVER as DRAGINO_SN50
from device_drivers.dragino_sw3l.driver import DRIVER as DRAGINO_SW3L
from device_drivers.dragino_tracker.driver import DRIVER as DRAGINO_TRACKER
from device_drivers.driver import (
    Announcement,
    Decoded,
    Documents,
    Driver,
    Found,
    Frame,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.elsys.driver import DRIVER as ELSYS
from device_drivers.elv.driver import DRIVER as ELV
from device_drivers.enless.driver import DRIVER as ENLESS
from device_drivers.envelope_fields import address_of_topic
from device_drivers.envelopes import open_message
from device_drivers.esphome.driver import DRIVER as ESPHOME
from device_drivers.globalsat_tracker.driver import DRIVER as GLOBALSAT_TRACKER
from device_drivers.hager_smoke.driver import DRIVER as HAGER_SMOKE
from device_drivers.hkt.driver import DRIVER as HKT
from device_drivers.home_assistant.driver import DRIVER as HOME_ASSISTANT
from device_drivers.homie.driver import DRIVER as HOMIE
from device_drivers.imbuildings.driver import DRIVER as IMBUILDINGS
from device_drivers.iotracker.driver import DRIVER as IOTRACKER
from device_drivers.jetlinks.driver import DRIVER as JETLINKS
from device_drivers.laird.driver import DRIVER as LAIRD
from device_drivers.lansitec.driver import DRIVER as LANSITEC
from device_drivers.mcci_catena.driver import DRIVER as MCCI_CATENA
from device_drivers.mclimate.driver import DRIVER as MCLIMATE
from device_drivers.message import Message
from device_drivers.milesight_button.driver import DRIVER as MILESIGHT_BUTTON
from device_drivers.milesight_commands.driver import DRIVER as MILESIGHT_COMMANDS
from device_drivers.milesight_door.driver import DRIVER as MILESIGHT_DOOR
from device_drivers.milesight_em300_di.driver import DRIVER as MILESIGHT_EM300_DI
from device_drivers.milesight_fall.driver import DRIVER as MILESIGHT_FALL
from device_drivers.milesight_motion.driver import DRIVER as MILESIGHT_MOTION
from device_drivers.milesight_occupancy.driver import DRIVER as MILESIGHT_OCCUPANCY
from device_drivers.milesight_sensor.driver import DRIVER as MILESIGHT_SENSOR
from device_drivers.milesight_smoke.driver import DRIVER as MILESIGHT_SMOKE
from device_drivers.milesight_tracker.driver import DRIVER as MILESIGHT_TRACKER
from device_drivers.milesight_ts30x.driver import DRIVER as MILESIGHT_TS30X
from device_drivers.milesight_uc11n1.driver import DRIVER as MILESIGHT_UC11N1
from device_drivers.milesight_uc11xx.driver import DRIVER as MILESIGHT_UC11XX
from device_drivers.milesight_uc50x.driver import DRIVER as MILESIGHT_UC50X
from device_drivers.milesight_uc51x.driver import DRIVER as MILESIGHT_UC51X
from device_drivers.milesight_uc300.driver import DRIVER as MILESIGHT_UC300
from device_drivers.milesight_vs13x.driver import DRIVER as MILESIGHT_VS13X
from device_drivers.milesight_vs35x.driver import DRIVER as MILESIGHT_VS35X
from device_drivers.minew_tracker.driver import DRIVER as MINEW_TRACKER
from device_drivers.miromico_button.driver import DRIVER as MIROMICO_BUTTON
from device_drivers.miromico_insight.driver import DRIVER as MIROMICO_INSIGHT
from device_drivers.moko_pir.driver import DRIVER as MOKO_PIR
from device_drivers.moko_tracker.driver import DRIVER as MOKO_TRACKER
from device_drivers.nanothings.driver import DRIVER as NANOTHINGS
from device_drivers.native.driver import DRIVER as NATIVE
from device_drivers.native.driver import receive as receive_native
from device_drivers.netvox.driver import DRIVER as NETVOX
from device_drivers.nexelec.driver import DRIVER as NEXELEC
from device_drivers.nwave.driver import DRIVER as NWAVE
from device_drivers.openmqttgateway_ble.driver import DRIVER as OPENMQTTGATEWAY_BLE
from device_drivers.oxon.driver import DRIVER as OXON
from device_drivers.paxcounter.driver import DRIVER as PAXCOUNTER
from device_drivers.pepperl_wilsen.driver import DRIVER as PEPPERL_WILSEN
from device_drivers.pmx_counter.driver import DRIVER as PMX_COUNTER
from device_drivers.points import shown
from device_drivers.pressac.driver import DRIVER as PRESSAC
from device_drivers.qdomyos_zwift.driver import DRIVER as QDOMYOS_ZWIFT
from device_drivers.radio_bridge.driver import DRIVER as RADIO_BRIDGE
from device_drivers.radionode.driver import DRIVER as RADIONODE
from device_drivers.reading import Reading
from device_drivers.rivercity_lynx.driver import DRIVER as RIVERCITY_LYNX
from device_drivers.rtl_433.driver import DRIVER as RTL_433
from device_drivers.senml.driver import DRIVER as SENML
from device_drivers.sensaio.driver import DRIVER as SENSAIO
from device_drivers.sensative_strips.driver import DRIVER as SENSATIVE_STRIPS
from device_drivers.sensecap.driver import DRIVER as SENSECAP
from device_drivers.sensing_labs.driver import DRIVER as SENSING_LABS
from device_drivers.shelly_gen1.driver import DRIVER as SHELLY_GEN1
from device_drivers.shelly_gen2.driver import DRIVER as SHELLY_GEN2
from device_drivers.sparkplug_b.driver import DRIVER as SPARKPLUG_B
from device_drivers.strega.driver import DRIVER as STREGA
from device_drivers.swisscom_multisense.driver import DRIVER as SWISSCOM_MULTISENSE
from device_drivers.tasmota.driver import DRIVER as TASMOTA
from device_drivers.tektelic.driver import DRIVER as TEKTELIC
from device_drivers.terabee_people.driver import DRIVER as TERABEE_PEOPLE
from device_drivers.thermokon_lrw.driver import DRIVER as THERMOKON_LRW
from device_drivers.tuya.driver import DRIVER as TUYA
from device_drivers.twtg_neon.driver import DRIVER as TWTG_NEON
from device_drivers.vutility.driver import DRIVER as VUTILITY
from device_drivers.watteco_bob.driver import DRIVER as WATTECO_BOB
from device_drivers.watteco_door.driver import DRIVER as WATTECO_DOOR
from device_drivers.watteco_pulse.driver import DRIVER as WATTECO_PULSE
from device_drivers.watteco_sensor.driver import DRIVER as WATTECO_SENSOR
from device_drivers.yobiiq_rm200.driver import DRIVER as YOBIIQ_RM200
from device_drivers.yobiiq_sd1001.driver import DRIVER as YOBIIQ_SD1001
from device_drivers.yosensi_people.driver import DRIVER as YOSENSI_PEOPLE
from device_drivers.yosensi_pulse.driver import DRIVER as YOSENSI_PULSE
from device_drivers.yosensi_sensor.driver import DRIVER as YOSENSI_SENSOR
from device_drivers.zhzyou_watch.driver import DRIVER as ZHZYOU_WATCH
from device_drivers.zigbee2mqtt.driver import DRIVER as ZIGBEE2MQTT

_ALL = (
    NATIVE,
    ZIGBEE2MQTT,
    CHIRPSTACK_GATEWAY,
    HOME_ASSISTANT,
    ESPHOME,
    HOMIE,
    SPARKPLUG_B,
    SENML,
    TASMOTA,
    SHELLY_GEN2,
    SHELLY_GEN1,
    OPENMQTTGATEWAY_BLE,
    RTL_433,
    ALINK,
    JETLINKS,
    TUYA,
    AQARA_LAN,
    CTWING,
    ZHZYOU_WATCH,
    AWISH,
    AI_GYM,
    QDOMYOS_ZWIFT,
    MILESIGHT_BUTTON,
    MILESIGHT_DOOR,
    MILESIGHT_EM300_DI,
    MILESIGHT_UC300,
    MILESIGHT_UC51X,
    MILESIGHT_UC11XX,
    MILESIGHT_VS13X,
    MILESIGHT_VS35X,
    MILESIGHT_FALL,
    MILESIGHT_MOTION,
    MILESIGHT_OCCUPANCY,
    MILESIGHT_TRACKER,
    MILESIGHT_TS30X,
    MILESIGHT_UC50X,
    MILESIGHT_UC11N1,
    MILESIGHT_COMMANDS,
    MILESIGHT_SMOKE,
    MILESIGHT_SENSOR,
    DRAGINO_NB,
    DRAGINO_DOOR,
    DRAGINO_BUTTON,
    DRAGINO_PULSE,
    DRAGINO_CPL03,
    DRAGINO_LHT65,
    DRAGINO_LT,
    DRAGINO_SENSOR,
    DRAGINO_SN50,
    DRAGINO_SW3L,
    DRAGINO_TRACKER,
    NETVOX,
    BROWAN_TABS,
    BROWAN_MERRYIOT,
    ABEEWAY_AT3,
    ABEEWAY_TRACKER,
    ELSYS,
    TEKTELIC,
    RADIO_BRIDGE,
    ADEUNIS,
    IMBUILDINGS,
    MCLIMATE,
    DIGITAL_MATTER,
    SENSECAP,
    ENLESS,
    HKT,
    MIROMICO_BUTTON,
    MIROMICO_INSIGHT,
    MOKO_PIR,
    MOKO_TRACKER,
    OXON,
    SENSATIVE_STRIPS,
    TERABEE_PEOPLE,
    WATTECO_BOB,
    WATTECO_DOOR,
    WATTECO_PULSE,
    WATTECO_SENSOR,
    YOSENSI_PEOPLE,
    YOSENSI_PULSE,
    YOSENSI_SENSOR,
    ADVANTECH_WISE,
    ASYSTOM,
    CAYENNE_LPP,
    COMTAC_CLUEY,
    COMTAC_LPN,
    COMTAC_MS3,
    GLOBALSAT_TRACKER,
    MCCI_CATENA,
    NANOTHINGS,
    NEXELEC,
    NWAVE,
    PAXCOUNTER,
    RIVERCITY_LYNX,
    SENSING_LABS,
    STREGA,
    THERMOKON_LRW,
    TWTG_NEON,
    VUTILITY,
    YOBIIQ_RM200,
    YOBIIQ_SD1001,
    MINEW_TRACKER,
    ADVANTECH_EVA,
    COMTAC_CM,
    ASCOEL,
    DECENTLAB,
    DNT,
    ELV,
    IOTRACKER,
    LANSITEC,
    PMX_COUNTER,
    PRESSAC,
    SENSAIO,
    SWISSCOM_MULTISENSE,
    COMTAC_TD1,
    LAIRD,
    ARWIN,
    RADIONODE,
    PEPPERL_WILSEN,
    HAGER_SMOKE,
)

DRIVERS: Mapping[str, Driver] = MappingProxyType({driver.name: driver for driver in _ALL})
DRIVER_FAILED = "the driver itself failed"  # a bug; no test may ever see it
BY_NETWORK = "network"  # the part of an announcement that a network server's own names are
NETWORK = "lorawan"  # stands for a driver where the network server itself says something

DriverOf = Callable[[str], str | None]


def receive(
    message: Message, driver_of: DriverOf, documents: Documents = no_documents
) -> Decoded | Refused:
    """One message of any ecosystem, understood or refused; never an exception.

    `driver_of` names the driver that the register has for an address, or None; `documents` gives
    what was announced under a key.
    """
    topic = message.topic
    try:
        if topic.startswith("community/"):
            return receive_native(message)
        if is_network_server(topic):
            return _receive_lorawan(message, driver_of)
        driver = driver_by_topic(topic)
        if driver is None:
            driver = DRIVERS.get(documents(topic).get(ANNOUNCED_BY, ""))
        if driver is None or driver.receive is None:
            return Refused(f"topic {shown(topic)}: no driver listens to such a topic")
        return driver.receive(message, documents)
    except Exception as error:  # noqa: BLE001
        # One driver's mistake must not stop the presses of others; the message is kept with this
        # reason and can be decoded again after the driver was mended.
        return Refused(f"{DRIVER_FAILED}: {type(error).__name__}: {shown(str(error))}")


def _receive_lorawan(message: Message, driver_of: DriverOf) -> Decoded | Refused:
    try:
        frame = open_message(message)
    except Unreadable as error:
        return Refused(str(error), address_of_topic(message.topic))
    registered = driver_of(frame.address)
    if registered is None:
        return decode(driver_by_hint(frame.hint), frame)
    if registered not in DRIVERS:
        reason = f"the register names the driver {shown(registered)}, which is not there"
        return Refused(reason, frame.address)
    return decode(DRIVERS[registered], frame)


# Topics on which network servers speak: there the topic does not tell the driver. Which server it
# is, the keys of the body tell (`envelopes.py`). Where the owner chooses the topic (LORIOT,
# Kerlink, Milesight's gateways), any below `lorawan/` will do.
NETWORK_SERVERS: Mapping[str, tuple[str, ...]] = {
    "ChirpStack v4 and v3": ("application/+/device/+/event/+", "application/+/device/+/rx"),
    "The Things Stack": ("v3/+/devices/+/#",),
    "The Things Network v2": ("+/devices/+/up",),
    "Actility ThingPark": ("mqtt/things/+/uplink",),
    "Helium": ("helium/+/rx",),
    "MultiTech": ("lora/+/up", "lora/+/joined"),
    "anything else": ("lorawan/#",),
}
NETWORK_TOPICS = (
    "application/+/device/+/event/up",
    "application/+/device/+/event/status",
    "application/+/device/+/event/join",
    "application/+/device/+/rx",
    "v3/+/devices/+/up",
    "v3/+/devices/+/join",
    "+/devices/+/up",
    "mqtt/things/+/uplink",
    "helium/+/rx",
    "lora/+/up",
    "lorawan/#",
)
ANNOUNCED_BY = "@driver"  # in the documents of a topic: which driver announced it


Filters = dict[str, list[tuple[list[str], Driver | None]]]


def _filters() -> Filters:
    """All filters by their first level; what network servers speak on belongs to no driver."""
    filters: Filters = {}
    of_servers = [(one, None) for topics in NETWORK_SERVERS.values() for one in topics]
    of_drivers = [(one, driver) for driver in _ALL for one in driver.topics]
    for topics, driver in (*of_servers, *of_drivers):
        levels = topics.split("/")
        filters.setdefault(levels[0], []).append((levels, driver))
    return filters


_FILTERS = _filters()


def _listeners(topic: str) -> Iterator[Driver | None]:
    """Who listens to a topic, those first whose filter begins as it does."""
    levels = topic.split("/")
    for first in (levels[0], "+"):
        for wanted, driver in _FILTERS.get(first, ()):
            if _fits(wanted, levels):
                yield driver


def is_network_server(topic: str) -> bool:
    """Whether a network server speaks here, so that the frame inside tells the driver."""
    return next(_listeners(topic), NATIVE) is None


def driver_by_topic(topic: str) -> Driver | None:
    """The driver that listens to a topic, if its own filters tell."""
    return next(_listeners(topic), None)


def _fits(wanted: list[str], levels: list[str]) -> bool:
    """MQTT's own way to match: `+` is one level, `#` at the end is all the others."""
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        one in ("+", level) for one, level in zip(wanted, levels, strict=True)
    )


def topics_of_all() -> list[str]:
    """The filters of every ecosystem beside the native topics."""
    others = [driver for driver in _ALL if driver is not NATIVE]
    own = (one for driver in others for one in driver.subscriptions or driver.topics)
    return list(dict.fromkeys([*NETWORK_TOPICS, *own]))


def drivers_of_transport(transport: str) -> list[Driver]:
    """The drivers that receive messages of a transport, by its name."""
    return [one for one in _ALL if one.receive is not None and one.transport == transport]


def decode(driver: Driver | None, frame: Frame) -> Decoded | Refused:
    """An opened frame, understood or refused. A frame without bytes is a sign of life."""
    if driver is None or driver.decode is None:
        return _without_driver(driver, frame)
    family = driver.families[0] if len(driver.families) == 1 else None
    try:
        read = _read(driver, frame)
    except Unreadable as error:
        return Refused(str(error), frame.address, driver.name, family)
    own = (*read.readings, *percent_by_curve(read.readings, read.cell or driver.cell))
    readings = tuple(
        one if one.at_ms is not None else one._replace(at_ms=frame.at_ms)
        for one in (*own, *frame.readings)
    )
    return Decoded(
        driver.name,
        frame.address,
        family,
        readings,
        frame.id,
        gateway=frame.gateway,
        warnings=(*frame.warnings, *read.warnings),
        network_ms=frame.at_ms,
        introduction=_introduction(driver, frame, family),
    )


def _introduction(driver: Driver, frame: Frame, family: str | None) -> Announcement | None:
    """What people wrote on the network server: device's name and profile, `Milesight WS101`."""
    if not frame.name and not frame.product:
        return None
    maker, model = driver.maker, frame.product
    first, _, rest = frame.product.partition(" ")
    if rest and plain(maker).startswith(plain(first)):
        model = rest
    return Announcement(
        frame.address,
        BY_NETWORK,
        {"name": frame.name, "product": frame.product},
        address=frame.address,
        family=family,
        name=frame.name or None,
        maker=maker or None,
        model=model or None,
        driver=driver.name,
    )


def percent_by_curve(readings: tuple[Reading, ...], cell: str) -> tuple[Reading, ...]:
    """The charge in percent of a device that says volts only, where its cell is known."""
    said = {one.point: one for one in readings}
    volts = said.get("battery_v")
    if not cell or volts is None or "battery" in said:
        return ()
    percent = percent_of(float(volts.value), cell)
    return () if percent is None else (Reading("battery", percent, volts.at_ms, "%"),)


def _read(driver: Driver, frame: Frame) -> Found:
    """What the driver finds in the device's own bytes, if there are any and the port is its own."""
    if not frame.payload or frame.fport == 0:  # port 0 carries the network's own commands
        return Found()
    if driver.fports and frame.fport is not None and frame.fport not in driver.fports:
        ports = ", ".join(str(port) for port in driver.fports)
        raise Unreadable(f"fPort {frame.fport}: expected one of {ports}")
    assert driver.decode is not None
    return driver.decode(frame)


def _without_driver(driver: Driver | None, frame: Frame) -> Decoded | Refused:
    if frame.payload is None:  # the network speaks of the device: no driver is needed for that
        readings = tuple(one._replace(at_ms=frame.at_ms) for one in frame.readings)
        return Decoded(
            NETWORK,
            frame.address,
            None,
            readings,
            frame.id,
            gateway=frame.gateway,
            warnings=frame.warnings,
            network_ms=frame.at_ms,
        )
    if driver is not None:
        return Refused(f"the driver {driver.name} reads no LoRaWAN frames", frame.address)
    said = f" (the network calls it {shown(frame.hint)})" if frame.hint else ""
    return Refused(f"unknown device, no driver is known for it{said}", frame.address)


def plain(text: str) -> str:
    """A maker's or model's name without what spellings differ in: `EM300-DI` → `em300di`."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def driver_by_model(maker: str, model: str) -> Driver | None:
    """The LoRaWAN driver of a model, however it is spelt; the maker's general one otherwise."""
    own = [one for one in _ALL if one.decode is not None and _made_by(maker, one)]
    for driver in own:
        if any(fnmatchcase(plain(model), pattern) for pattern in driver.models if pattern != "*"):
            return driver
    return next((driver for driver in own if "*" in driver.models), None)


def _made_by(maker: str, driver: Driver) -> bool:
    """Others write a maker's name with its brand, its country, its town beside it."""
    return any(plain(name) in plain(maker) for name in driver.maker.split(","))


def driver_by_hint(hint: str) -> Driver | None:
    """The LoRaWAN driver that a network server's words about a device point to, if any.

    A model's name must be there; the maker's name alone does not tell what the device is. A model
    whose name is an everyday word (`button`) counts only beside its maker.
    """
    models = [plain(word) for word in re.split(r"[\s_/,()]+", hint)]
    for driver in _ALL:
        if driver.decode is not None and any(
            fnmatchcase(model, pattern)
            for pattern in driver.models
            if pattern != "*" and (_is_number_of_a_model(pattern) or _made_by(hint, driver))
            for model in models
        ):
            return driver
    return None


def _is_number_of_a_model(pattern: str) -> bool:
    return any(one.isdigit() for one in pattern)
