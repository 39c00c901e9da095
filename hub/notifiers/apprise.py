"""The kind `apprise`: all the services for which the hub has no adapter (extra `apprise`).

Its success is not to be trusted: it says so too where a service answered HTTP 200 with an error's
code inside. So a notice that it carried is noted as unconfirmed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from hub.deliver import UNCONFIRMED, TryAgain
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, Tools
from hub.notifiers.limiter import Limits
from hub.notifiers.wording import Message
from hub.settings import WrongSetting

EXTRA = "apprise"


class ByApprise:
    """Hands messages to the one service that its address names."""

    def __init__(self, entry: Entry, _tools: Tools) -> None:
        try:
            self._service = import_module("apprise").Apprise()
        except ImportError as error:
            raise WrongSetting(
                f"channel {entry.name}: the package of the extra {EXTRA} is missing; "
                f"install it: pip install 'community-hub[{EXTRA}]'"
            ) from error
        if not self._service.add(entry.secrets["url"]):
            raise WrongSetting(f"channel {entry.name}: url: apprise knows no such service")

    async def carry(self, message: Message, _to: tuple[Recipient, ...]) -> str:
        """See `Carrier`; whom it is for stands in the service's address."""
        text = "\n".join(message.lines)
        if not await self._service.async_notify(body=text, title=message.title):
            raise TryAgain("apprise could not hand it over")
        return UNCONFIRMED


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield ByApprise(entry, tools)


APPRISE = Kind(
    "apprise",
    secrets={"url": True},
    limits=Limits(source="none: every service has its own"),
    one_address=True,
    open=_open,
)
