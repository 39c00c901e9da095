"""How often people without a log-in may report: per device, per address, and all together."""

import asyncio

from dashboard_api.access import Tries, home_of
from hub.clock import Clock
from hub.settings import Settings

HOUR_S = 3_600.0
EVERYBODY = "all"
DECODING_MAX = 2  # a photo takes a core and up to some hundred megabytes for a moment


class Floods:
    """Counts reports by the hour. In memory: a restart forgets, which costs nobody anything."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        keys_max, what = settings.login_names_max, "reports"

        def tries(tries_max: int) -> Tries:
            return Tries(clock, tries_max, keys_max, what, HOUR_S, "too_many_reports")

        self._addresses = tries(settings.reports_address_per_h_max)
        self._devices = tries(settings.reports_device_per_h_max)
        self._all = tries(settings.reports_per_h_max)
        self.decoding = asyncio.Semaphore(DECODING_MAX)

    def begin(self, address: str, device: str) -> None:
        """Count a report before its body is read. Raises the 429 that says when to come again."""
        self._addresses.begin(home_of(address))
        self._devices.begin(device)
        self._all.begin(EVERYBODY)
