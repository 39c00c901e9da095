"""The roster: who has which role where, and by which ways they are told.

A role is a duty on a phone, not a private account. Who is looked up when a step of a plan comes:
the duty phone of the case's grid, the grid that stands in for it, the resident's own contacts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rules.case import Case

# Roles to which somebody can sign on; the others are found out when they are called.
DUTIES = (
    "duty-phone",
    "grid-leader",
    "desk",
    "day-care-station",
    "health-station",
    "volunteers",
    "maintenance",
    "community-office",
)
DUTY_PHONE, NEXT_GRID, FAMILY, ANSWERER = "duty-phone", "next-grid", "family", "answerer"


class Way(NamedTuple):
    """One way to tell somebody: a channel by its name, and the address on it if it needs one."""

    channel: str
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who can be told. `id` is unique: `duty-phone:grid-3`, `desk`, `family:r-7:0`.

    `ways` in the order in which they are tried; none: the hub's own channels. `sign_on`: somebody
    must have signed on for it to count as reached.
    """

    id: str
    role: str
    grid: str | None = None
    name: str = ""
    phone: str | None = None
    ways: tuple[Way, ...] = ()
    sign_on: bool = False

    def by(self, default: tuple[Way, ...]) -> tuple[Way, ...]:
        """Its ways, each with an address: its own phone where the way names none."""
        return tuple(Way(way.channel, way.to or self.phone) for way in self.ways or default)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is signed on to a role from then until then (or until they sign off).

    `by`: who said so, such as the phone on which it was done.
    """

    id: int
    role: str
    grid: str | None
    person: str
    since_ms: int
    until_ms: int
    by: str = ""


class Relative(NamedTuple):
    """One of a resident's own contacts."""

    name: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Roster:
    """All of it as it stands. Grids in the order of the site; `stands_in`: who helps out."""

    contacts: tuple[Contact, ...] = ()
    grids: tuple[str, ...] = ()
    stands_in: Mapping[str, str] = field(default_factory=dict)
    relatives: Mapping[str, tuple[Relative, ...]] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()

    def of(self, role: str, case: Case, now_ms: int) -> tuple[Contact, ...]:
        """Whom a role means in a case. Nobody, if the site has nobody for it."""
        if role == FAMILY:
            return self._family(case)
        if role == ANSWERER:
            return self._answerer(case, now_ms)
        if role == NEXT_GRID:
            role, grid = DUTY_PHONE, self.next_grid(case.grid)
            return self._at(role, grid) if grid is not None else ()
        return self._at(role, case.grid)

    def _at(self, role: str, grid: str | None) -> tuple[Contact, ...]:
        """The grid's own; else the site's. A site that names nobody is told as a whole."""
        if not self.contacts:
            return (Contact(role if grid is None else f"{role}:{grid}", role, grid),)
        own = tuple(one for one in self.contacts if one.role == role and one.grid == grid)
        if own or grid is None:
            return own
        return tuple(one for one in self.contacts if one.role == role and one.grid is None)

    def next_grid(self, grid: str | None) -> str | None:
        """The grid that stands in: as the site says, else the next one in its order."""
        if grid is None or grid not in self.grids:
            return None
        named = self.stands_in.get(grid)
        if named is not None:
            return named
        after = self.grids[(self.grids.index(grid) + 1) % len(self.grids)]
        return None if after == grid else after

    def _family(self, case: Case) -> tuple[Contact, ...]:
        if case.resident_id is None:
            return ()
        [how] = self._at(FAMILY, None) or (Contact(FAMILY, FAMILY),)
        return tuple(
            replace(how, id=f"{FAMILY}:{case.resident_id}:{number}", name=name, phone=phone)
            for number, (name, phone) in enumerate(self.relatives.get(case.resident_id, ()))
            if phone
        )

    def _answerer(self, case: Case, now_ms: int) -> tuple[Contact, ...]:
        """On the phone on which they are signed on, or that answered itself by a link.

        Else by name, on the hub's own channels.
        """
        person = case.answered_by
        if person is None:
            return ()
        own = tuple(one for one in (*self.contacts, *self._family(case)) if one.id == person)
        if own:
            return own
        for shift in self.on_duty(now_ms):
            if shift.person == person:
                return self._at(shift.role, shift.grid)
        return (Contact(f"person:{person}", ANSWERER, name=person),)

    def on_duty(self, now_ms: int) -> Iterable[Shift]:
        """The shifts that run at that moment."""
        return (shift for shift in self.shifts if shift.since_ms <= now_ms < shift.until_ms)

    def is_manned(self, contact: Contact, now_ms: int) -> bool:
        """Has somebody signed on to it, where that is asked for?"""
        return not contact.sign_on or any(
            (shift.role, shift.grid) == (contact.role, contact.grid)
            for shift in self.on_duty(now_ms)
        )
