"""Who may do what, and whether a request comes from our own pages.

| right | admin | staff | crew | program | wall |
|---|---|---|---|---|---|
| read cases | all | all | fault, maintenance | all | without names |
| act on cases | all | all | fault, maintenance | all | – |
| devices, readings | yes | yes | yes | yes | – |
| residents' cards and names | yes | yes | – | – | – |
| strangers, refusals | yes | yes | yes | yes | – |
| figures, coverage | yes | yes | yes | yes | totals |
| live feed | all | all | fault, maintenance | all | without names |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from dashboard_api.errors import Problem
from hub.clock import Clock

SESSION_COOKIE = "hub_session"
WALL_COOKIE = "hub_wall"
WORK = ("fault", "maintenance")  # the categories that crews look after
MINUTE_S = 60.0


class Right(Enum):
    """What a role may be allowed to do."""

    CASES = "read cases"
    ACTS = "act on cases"
    DEVICES = "read devices"
    RESIDENTS = "read residents"
    SENDERS = "read strangers and refusals"
    FIGURES = "read figures"
    LIVE = "follow the live feed"


_RIGHTS: Mapping[str, frozenset[Right]] = {
    "admin": frozenset(Right),
    "staff": frozenset(Right),
    "crew": frozenset(Right) - {Right.RESIDENTS},
    "program": frozenset(Right) - {Right.RESIDENTS},
    "wall": frozenset({Right.CASES, Right.FIGURES, Right.LIVE}),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking. `by_cookie`: a browser sends it by itself, so forgery must be looked for."""

    name: str
    role: str
    by_cookie: bool = False

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


class LoginTries:
    """Counts tries per name and minute; a right password forgets them. Bounded in names."""

    def __init__(self, clock: Clock, tries_max: int, names_max: int) -> None:
        self._clock = clock
        self._tries_max = tries_max
        self._names_max = names_max
        self._tries: dict[str, tuple[float, int]] = {}  # name: (start of its minute, tries)

    def begin(self, name: str) -> None:
        """Count a try before it is looked at. Raises the 429 that says when to come again."""
        now_s = self._clock.monotonic_s()
        since_s, tries = self._tries.pop(name, (now_s, 0))
        if now_s - since_s >= MINUTE_S:
            since_s, tries = now_s, 0
        self._tries[name] = since_s, tries + 1
        if len(self._tries) > self._names_max:
            del self._tries[next(iter(self._tries))]  # the one that was tried longest ago
        if tries >= self._tries_max:
            wait_s = int(since_s + MINUTE_S - now_s) + 1
            raise Problem(
                429,
                f"Too many wrong passwords; try again in {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
                code="too_many_tries",
            )

    def succeeded(self, name: str) -> None:
        """The password was right."""
        self._tries.pop(name, None)
