"""A proof: what a device must say after the work, so that a work order is closed by itself.

Pure. A reading counts when it was made after the work began and was heard after that was told:
what was on its way before shows nothing, and neither does a device's clock that is ahead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from device_drivers.reading import Reading, Value
from rules import condition as c

# How a proof is given. `device`: what the condition of the rule asks for, worked out by `proof_of`.
DEVICE, REPORTS, SAYS, GROWS, RULE, SIGNATURE = (
    "device",
    "reports",  # anything at all
    "says",  # one of `points`, within its limits
    "grows",  # one of `points` is more than it was before the work
    "rule",  # the alert of the rule ends by something made after the work
    "signature",  # no device can show it: a second person signs
)
PROOFS = (DEVICE, REPORTS, SAYS, GROWS, RULE, SIGNATURE)
REPETITION = "rep"  # a counter that only says "once more" has grown by that


@dataclass(frozen=True, slots=True)
class Proof:
    """See the module. It must come within `within_ms`, or so many expected silences if longer."""

    kind: str = SIGNATURE
    points: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    among: tuple[Value, ...] = ()
    not_among: tuple[Value, ...] = ()
    within_ms: int = 0
    silences: float = 0.0

    @property
    def is_of_device(self) -> bool:
        """Can the device itself give it?"""
        return self.kind != SIGNATURE

    def can_still_come(self, active: bool) -> bool:
        """Of a rule that is gone, or whose alert was over before the work, nothing more comes."""
        return self.kind != SIGNATURE and (self.kind != RULE or active)

    def wait_ms(self, expected_silence_ms: int) -> int:
        """How long it is waited for."""
        return max(self.within_ms, round(self.silences * expected_silence_ms))

    def allows(self, value: Value) -> bool:
        """Is the value what a device says that is well again?"""
        if self.among and value not in self.among:
            return False
        if value in self.not_among:
            return False
        if self.above is None and self.below is None:
            return True
        number = isinstance(value, int | float) and not isinstance(value, bool)
        above = self.above is None or (number and value > self.above)  # type: ignore[operator]
        return above and (self.below is None or (number and value < self.below))  # type: ignore[operator]


SIGNED = Proof()


class Work(NamedTuple):
    """Since when the work is: by the clock, and by the number of its entry in the journal.

    `base`: what a counter had counted until then; None: nothing is known of it.
    """

    since_ms: int
    seq: int
    base: float | None = None


class Shown(NamedTuple):
    """What showed it, made at that moment. `point` is empty for a mere sign of life."""

    at_ms: int
    point: str = ""
    value: Value | None = None

    @property
    def words(self) -> str:
        """`battery 96`, `tamper false`; nothing for a mere sign of life."""
        number = isinstance(self.value, float)
        said = f"{self.value:g}" if number else str(self.value).lower()
        return f"{self.point} {said}" if self.point else ""


def look(
    proof: Proof, work: Work, seq: int, arrived_ms: int, readings: Iterable[Reading]
) -> tuple[Shown | None, Work]:
    """Whether an entry of the device gives the proof; and the work, its base moved along."""
    said = [one for one in readings if one.at_ms is not None]
    if seq <= work.seq:
        return None, _raise_base(proof, work, said)
    work = _raise_base(proof, work, [one for one in said if (one.at_ms or 0) < work.since_ms])
    after = [one for one in said if (one.at_ms or 0) >= work.since_ms]
    if proof.kind == REPORTS:
        return _life(work, arrived_ms, said), work
    for one in after:
        if _gives(proof, work, one):
            return Shown(one.at_ms or 0, one.point, one.value), work
    if proof.kind == GROWS and work.base is None:  # the first word after the work is the beginning
        work = _raise_base(proof, work, after)
    return None, work


def _life(work: Work, arrived_ms: int, said: list[Reading]) -> Shown | None:
    """Without a reading it is a sign of life of the moment at which it came."""
    made_ms = max((one.at_ms or 0 for one in said), default=arrived_ms)
    return Shown(made_ms) if made_ms >= work.since_ms else None


def _gives(proof: Proof, work: Work, one: Reading) -> bool:
    if proof.kind == GROWS and one.point == REPETITION:
        return _number(one.value) > 0
    if one.point not in proof.points:
        return False
    if proof.kind == GROWS:
        return work.base is not None and _number(one.value) > work.base
    return proof.kind == SAYS and proof.allows(one.value)


def _raise_base(proof: Proof, work: Work, said: Iterable[Reading]) -> Work:
    """What was counted before the work is no proof, however late it is heard."""
    if proof.kind != GROWS:
        return work
    counted = [_number(one.value) for one in said if one.point in proof.points]
    known = [] if work.base is None else [work.base]
    return work._replace(base=max((*known, *counted), default=None))


def _number(value: Value | None) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


# ------------------------------------------------------------------ by the condition of a rule


def proof_of(wanted: Proof, when: c.Condition | None) -> Proof:
    """The proof as it is looked for. `device` is worked out by the condition of the rule.

    The limit that counts is the way back of the condition: what closes its alert. Of a group of
    devices only the rule knows when it is well.
    """
    if isinstance(when, c.Together | c.Then | c.Without) and wanted.is_of_device:
        return Proof(RULE, within_ms=wanted.within_ms, silences=wanted.silences)
    if wanted.kind not in (DEVICE, RULE):
        return wanted
    if when is None:
        return replace(wanted, kind=SIGNATURE)
    if wanted.kind == RULE:
        return wanted
    found = _by_condition(when)
    return replace(found, within_ms=wanted.within_ms, silences=wanted.silences)


def _by_condition(when: c.Condition) -> Proof:
    found = Proof(RULE)
    match when:
        case c.Silent():
            found = Proof(REPORTS)
        case c.Below():
            found = Proof(SAYS, (when.point,), above=when.back)
        case c.Above():
            found = Proof(SAYS, (when.point,), below=when.back)
        case c.Equals():
            found = Proof(SAYS, (when.point,), not_among=when.values)
        case c.Every() | c.Rises(less=True):
            found = Proof(GROWS, (when.point,))
        case c.AllOf():
            grows = [one for part in when.parts if (one := _by_condition(part)).kind == GROWS]
            found = grows[0] if grows else found
        case c.Happens():  # of something that happened no device says that it is mended
            found = Proof(SIGNATURE)
    return found
