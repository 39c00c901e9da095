"""What the judge is fed: entries of the journal, in the order of their numbers."""

from typing import NamedTuple

from device_drivers.reading import Reading


class Heard(NamedTuple):
    """Something came from a device. Every reading's `at_ms` is set; no readings: a sign of life.

    Of a gateway (and of any device that has a will) the point `online` says whether it is there.
    """

    seq: int
    device: str
    arrived_ms: int
    readings: tuple[Reading, ...]
    retained: bool = False


class ServiceDone(NamedTuple):
    """A machine was serviced: its uses count anew from here."""

    seq: int
    device: str
    at_ms: int


class CaseClosed(NamedTuple):
    """People closed the case of an alert: an alert of an event ends with it."""

    seq: int
    rule: str
    key: str
    at_ms: int


Entry = Heard | ServiceDone | CaseClosed
