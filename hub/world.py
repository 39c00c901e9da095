"""What the hub knew besides readings: the register, and what people did. Values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.devices import Device
from hub.ghosts import Ghost

AFTER_ALL = 2**62  # the number of a closing that has none of its own


class PastCase(NamedTuple):
    """A case of the log: a person closed it at `closed_ms`; None: nobody has."""

    rule: str
    key: str
    raised_ms: int
    closed_ms: int | None
    seq: int = AFTER_ALL


@dataclass(frozen=True, slots=True)
class World:
    """What the hub knew besides readings: the register (as it is today), and what people did."""

    devices: Sequence[Device] = ()
    ghosts: Sequence[Ghost] = ()
    gateways: Sequence[str] = ()
    cases: Sequence[PastCase] = ()
