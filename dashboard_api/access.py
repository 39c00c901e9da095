"""Who may do what, and whether a request comes from our own pages.

| right | admin | staff | crew | program | wall |
|---|---|---|---|---|---|
| read cases | all | all | fault, maintenance | all | without names |
| act on cases | all | all | fault, maintenance | all | – |
| devices, readings | yes | yes | yes | yes | – |
| residents' cards and names | yes | yes | – | – | – |
| strangers, refusals | yes | yes | yes | yes | – |
| register and swap devices | yes | yes | – | – | – |
| change rules and overrides | yes | yes | – | – | – |
| work orders, rounds, inspections, photos | yes | yes | yes | yes, but to sign | – |
| test buttons, take devices out of service | yes | yes | yes | – | – |
| sign on at a shared phone | every duty | every duty | maintenance | every duty | – |
| change the rota | yes | yes | – | – | – |
| the page to read aloud to 120 | yes | yes | – | – | – |
| figures, coverage | yes | yes | yes | yes | totals |
| daily log, remarks | yes | yes | – | yes | – |
| live feed | all | all | fault, maintenance | all | without names |
| what the hub's parts say | yes | yes | states | yes | states |
| wall screens | yes | yes | read | read | says what it shows itself |
| users and tokens | yes | – | – | – | – |
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from dashboard_api.errors import Problem
from hub.clock import Clock
from hub.settings import Settings

SESSION_COOKIE = "hub_session"
WALL_COOKIE = "hub_wall"
SCREEN_COOKIE = "hub_screen"  # the key of the browser to which a wall screen's token belongs
WORK = ("fault", "maintenance")  # the categories that crews look after
MINUTE_S = 60.0
HASHING_MAX = 2  # argon2 takes 64 MB and a core for each password


class Right(Enum):
    """What a role may be allowed to do."""

    CASES = "read cases"
    ACTS = "act on cases"
    DEVICES = "read devices"
    RESIDENTS = "read residents"
    SENDERS = "read strangers and refusals"
    REGISTER = "register devices"
    TESTS = "test buttons"
    RULES = "change rules"
    FIGURES = "read figures"
    LOG = "read the daily log"
    LIVE = "follow the live feed"
    USERS = "look after users"
    TEXTS = "read what the hub's parts say"  # addresses and error texts may stand there


_RIGHTS: Mapping[str, frozenset[Right]] = {
    "admin": frozenset(Right),
    "staff": frozenset(Right) - {Right.USERS},
    "crew": frozenset(Right)
    - {Right.RESIDENTS, Right.REGISTER, Right.RULES, Right.LOG, Right.TEXTS, Right.USERS},
    "program": frozenset(Right)
    - {Right.RESIDENTS, Right.REGISTER, Right.RULES, Right.TESTS, Right.USERS},
    "wall": frozenset({Right.CASES, Right.FIGURES, Right.LIVE}),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking. `by_cookie`: a browser sends it by itself, so forgery must be looked for.

    `on_duty`: who is signed on at this phone for a shift; what it does is that person's doing.
    """

    name: str
    role: str
    by_cookie: bool = False
    on_duty: str | None = None

    @property
    def actor(self) -> str:
        """By whom an act is."""
        return self.on_duty or self.name

    @property
    def phone(self) -> str | None:
        """The shared phone on which it is done, where it is not the person's own."""
        return self.name if self.on_duty is not None else None

    def may(self, right: Right) -> bool:
        """Is this allowed to the role?"""
        return right in _RIGHTS.get(self.role, frozenset())

    @property
    def public(self) -> bool:
        """In front of everybody: nothing that names a person."""
        return self.role == "wall"

    def sees(self, category: str) -> bool:
        """May cases of this category be read (and, with the right, acted on)?"""
        return self.role != "crew" or category in WORK

    def check(self, right: Right) -> None:
        """Raise the 403 that says what is missing."""
        if not self.may(right):
            raise Problem(403, f"The role {self.role} may not {right.value}.", code="not_allowed")


def check_origin(headers: Mapping[str, str]) -> None:
    """Raise the 403 for a change that another site's page asked a browser for.

    Browsers say where a request comes from (`Sec-Fetch-Site`, older ones `Origin`) and pages cannot
    change that. Programs say neither: nobody can make them send a cookie that is not theirs.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        forged = site not in {"same-origin", "none"}
    else:
        origin = headers.get("origin")
        forged = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if forged:
        raise Problem(403, "This came from another site's page.", code="cross_site")


class Tries:
    """Counts tries per key and span (a minute), of at most `keys_max` keys; `what` is tried."""

    def __init__(
        self,
        clock: Clock,
        tries_max: int,
        keys_max: int,
        what: str = "wrong passwords",
        span_s: float = MINUTE_S,
        code: str = "too_many_tries",
    ) -> None:
        self._what = what
        self._code = code
        self._span_s = span_s
        self._clock = clock
        self._tries_max = tries_max
        self._keys_max = keys_max
        self._tries: dict[str, tuple[float, int]] = {}  # key: (start of its span, tries)

    def begin(self, key: str) -> None:
        """Count a try before it is looked at. Raises the 429 that says when to come again."""
        now_s = self._clock.monotonic_s()
        since_s, tries = self._tries.pop(key, (now_s, 0))
        if now_s - since_s >= self._span_s:
            since_s, tries = now_s, 0
        self._tries[key] = since_s, min(tries + 1, self._tries_max)
        if len(self._tries) > self._keys_max:
            del self._tries[next(iter(self._tries))]  # the one that was tried longest ago
        if tries >= self._tries_max:
            wait_s = int(since_s + self._span_s - now_s) + 1
            raise Problem(
                429,
                f"Too many {self._what}; try again in {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
                code=self._code,
            )

    def forget(self, key: str) -> None:
        """No try of this key counts any more."""
        self._tries.pop(key, None)

    def take_back(self, key: str) -> None:
        """The last try of this key does not count."""
        since_s, tries = self._tries.pop(key, (0.0, 0))
        if tries > 1:
            self._tries[key] = since_s, tries - 1


class LoginTries:
    """Lets passwords be tried, so many a minute and so many at a time.

    Counted are a name's tries from one address, so that nobody can lock another person out, and
    all tries from one address, whatever the names. A right password does not count. Looking at a
    password takes 64 MB and a core: two at a time, `login_queue_max` wait, others are sent away.
    """

    def __init__(self, clock: Clock, settings: Settings) -> None:
        keys_max = settings.login_names_max
        self._names = Tries(clock, settings.login_tries_max, keys_max)
        self._addresses = Tries(clock, settings.login_address_tries_max, keys_max)
        self._queue_max = settings.login_queue_max
        self._waiting = 0
        self._looking = asyncio.Semaphore(HASHING_MAX)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A place to look at a password, right after `begin`."""
        self._waiting += 1
        try:
            await self._looking.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._looking.release()

    def begin(self, address: str, name: str) -> None:
        """Count a try before it is looked at.

        Raises the 429 that says when to come again, and the 503 when too many wait already.
        """
        if self._waiting >= self._queue_max:
            raise Problem(
                503,
                "Too many people log in at this moment; try again.",
                headers={"Retry-After": "1"},
                code="log_in_busy",
            )
        home = home_of(address)
        self._addresses.begin(home)
        self._names.begin(f"{home} {name}")

    def succeeded(self, address: str, name: str) -> None:
        """The password was right: the try was none."""
        home = home_of(address)
        self._addresses.take_back(home)
        self._names.forget(f"{home} {name}")


class LinkTries:
    """Counts links that are not ours, by address; a good one does not count."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        tries_max, keys_max = settings.answer_link_tries_max, settings.login_names_max
        self._addresses = Tries(clock, tries_max, keys_max, "links that are not ours")

    def begin(self, address: str) -> None:
        """Count a try before it is looked at. Raises the 429 that says when to come again."""
        self._addresses.begin(home_of(address))

    def take_back(self, address: str) -> None:
        """The link was one of ours: the try was none."""
        self._addresses.take_back(home_of(address))


def home_of(address: str) -> str:
    """What is counted as one address: of IPv6 the half that one household is given."""
    try:
        found = ip_address(address)
    except ValueError:  # no address: a test's or a socket file's name
        return address
    return str(ip_network((found, 64), strict=False) if found.version == 6 else found)
