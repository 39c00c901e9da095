"""A kind of channel: what its entry in the channels file holds, and how it is opened."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import httpx
from sqlalchemy.engine import Engine

from hub.clock import Clock
from hub.deliver import Channel, TryAgain
from hub.notifiers.limiter import Limits
from hub.notifiers.mqtt import Publisher
from hub.notifiers.wording import ZH, Message
from hub.yaml_file import Keys

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Entry:
    """One channel as its file names it. `secrets` is empty until it is opened."""

    name: str
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = ZH
    private: bool = False
    limits: Limits = NO_LIMITS

    def get(self, key: str, default: Any = None) -> Any:
        """A value of the entry."""
        return self.values.get(key, default)


class TooFast(TryAgain):
    """The service says that it was told too much; `after_s` is how long to leave it alone."""


class Recipient(NamedTuple):
    """Whom a message is for: an address on the channel, and the role by which they are told."""

    address: str | None
    role: str | None


class Carrier(Protocol):
    """Carries messages to one service. `send` of its channel ends as `carry` ends."""

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> str | None:
        """Tell it; a note if there is one. Raises `TryAgain`, `TooFast` or `GiveUp`."""
        ...


class Tools(NamedTuple):
    """What carriers work with."""

    http: httpx.AsyncClient
    publisher: Publisher
    clock: Clock
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `secrets`: those that must be there (True) or may be.

    `merges`: lesser messages may become one; `one_address`: all of it goes to the same place, a
    group's robot, whomever it is for. `open_channel`: it makes a whole channel, no carrier.
    """

    name: str
    keys: Keys = field(default_factory=dict)
    secrets: Mapping[str, bool] = field(default_factory=dict)
    limits: Limits = NO_LIMITS
    merges: bool = True
    one_address: bool = False
    open: Callable[[Entry, Tools], AbstractAsyncContextManager[Carrier]] | None = None
    open_channel: Callable[[Entry, Tools, Engine | None], Channel] | None = None
    check: Callable[[Mapping[str, Any]], str | None] = lambda _values: None
