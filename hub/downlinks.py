"""The way back to a device: what became of a press, in words that the device itself can show.

A driver says how (`Driver.show`, `Driver.show_frame`); where to follows from the topic of the
device's newest press, which is learned from its messages and kept with the register when it
changes. A device whose driver can show nothing is told nothing. Native devices need none of this:
their topic follows from their name (`hub/notifiers/mqtt.py`).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from device_drivers import envelopes
from device_drivers.catalog import DRIVERS
from device_drivers.driver import Documents, Downlink, Driver, Publication, Sign
from hub.database import devices
from hub.devices import Devices
from hub.strangers import Strangers

log = logging.getLogger(__name__)

# The topic of the last uplink, the device's address, the bytes → the network server's message.
Wrap = Callable[[str, str, Downlink], Publication | None]


def wrapped(topic: str, address: str, downlink: Downlink) -> Publication | None:
    """A downlink in its network server's envelope; None where none is known for such a topic."""
    wrap: Wrap | None = getattr(envelopes, "downlink", None)
    return None if wrap is None else wrap(topic, address, downlink)


def can_show(driver: Driver | None) -> bool:
    """Can such a device show its person anything at all?"""
    if driver is None:
        return False
    return driver.heard.how == "native" or bool(driver.show or driver.show_frame)


class Downlinks:
    """Where buttons were heard last, and what they are told."""

    def __init__(
        self,
        register: Devices,
        unknown: Strangers,
        documents: Documents,
        *,
        drivers: Mapping[str, Driver] = DRIVERS,
        wrap: Wrap = wrapped,
    ) -> None:
        self._register = register
        self._unknown = unknown
        self._documents = documents
        self.drivers = drivers
        self._wrap = wrap
        self._topics: dict[str, str] = {}  # newer than the register's
        self._changed: dict[str, str] = {}

    def heard(self, device_id: str, topic: str, *, pressed: bool) -> None:
        """A registered button of another ecosystem spoke; its newest press tells where it is."""
        known = self._topic_of(device_id)
        if known != topic and (pressed or known is None):
            self._topics[device_id] = self._changed[device_id] = topic

    def _topic_of(self, device_id: str) -> str | None:
        found = self._topics.get(device_id)
        if found is None:
            device = self._register.by_id.get(device_id)
            found = self._unknown.topic_of(device_id) if device is None else device.topic
        return found

    def waits(self) -> bool:
        """Is there anything that the next commit must write?"""
        return bool(self._changed)

    def take_rows(self) -> dict[str, str]:
        """Topics that have changed since the last call, by device."""
        changed, self._changed = self._changed, {}
        return changed

    def publication(self, device_id: str, sign: Sign) -> Publication | None:
        """The message that shows it; None for a device that can show nothing."""
        device = self._register.by_id.get(device_id)
        if device is None:
            address, name = device_id, self._unknown.driver_of(device_id)
        else:
            address, name = device.address, device.driver
        driver = self.drivers.get(name or "")
        topic = self._topic_of(device_id)
        if driver is None or topic is None:
            return None
        try:
            return self._shown(driver, address, topic, sign)
        except Exception:  # a driver's mistake must not stop the judge of all
            log.exception("the driver %s cannot say %s to %s", driver.name, sign, device_id)
            return None

    def _shown(self, driver: Driver, address: str, topic: str, sign: Sign) -> Publication | None:
        if driver.show is not None:
            return driver.show(sign, topic, self._documents(address))
        downlink = None if driver.show_frame is None else driver.show_frame(sign)
        return None if downlink is None else self._wrap(topic, address, downlink)


def write(connection: Connection, topics: Mapping[str, str]) -> None:
    """Keep where devices were heard last."""
    for device_id, topic in topics.items():
        values: dict[str, Any] = {"topic": topic}
        connection.execute(devices.update().where(devices.c.id == device_id).values(values))
