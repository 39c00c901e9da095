"""Work orders beside the judge, without I/O: which proofs are waited for, what of them was heard.

An order is a case (`rules/case.py`); here is what its tables (`rules/order.py`) say of it, and the
watch over the devices whose proof is waited for. Nothing is asked of a message of any other device
but whether it is one of these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from device_drivers.reading import Reading, Value
from hub.settings import Settings
from rules.case import Case
from rules.condition import Every, simple_of
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.order import NO_TABLES, OrderTables, depends_on
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from rules.proof import RULE, SIGNED, Proof, Shown, look, proof_of
from rules.rule import Rule

Latest = Mapping[str, tuple[Value, int]]


def orders_folder(settings: Settings) -> Path:
    """Where the tables in force are read from."""
    return Path(settings.orders_dir) if settings.orders_dir else COMMUNITY_ORDERS


def orders_in_force(settings: Settings) -> OrderTables:
    """All tables about work orders. Raises `RuleMistakes`."""
    return load_orders([orders_folder(settings)])


class Word(NamedTuple):
    """An entry of a device that may hold a proof."""

    device: str
    seq: int
    arrived_ms: int
    readings: tuple[Reading, ...]


class Orders:
    """See the module. `watched`: devices of orders on which somebody works or has worked."""

    def __init__(self, tables: OrderTables = NO_TABLES) -> None:
        self.tables = tables
        self.watched: dict[str, dict[str, None]] = {}
        self._until: dict[str, int] = {}
        self._heard: list[Word] = []
        self._touched: dict[str, None] = {}

    # -- what the tables say ---------------------------------------------------------------------

    def raised(self, case: Case, rule: Rule | None, facts: DeviceFacts | None) -> Case:
        """A new order knows its kind of trouble, who depends on it, and how urgent that is."""
        if not case.is_order:
            return case
        trouble = case.trouble
        if trouble is None and rule is not None:
            trouble = self.tables.trouble_of(rule.when, case.family)
        depends = depends_on(facts)
        priority = self.tables.priority_of(case.severity, depends, trouble)
        return replace(case, trouble=trouble, depends=depends, priority=priority)

    def proof(self, case: Case, rule: Rule | None) -> Proof:
        """What must be heard before it is closed by itself."""
        row = self.tables.troubles.get(case.trouble or "")
        return proof_of(SIGNED if row is None else row.proof, None if rule is None else rule.when)

    def base(self, proof: Proof, latest: Latest) -> float | None:
        """How far its counter is now; None: nothing is known of it."""
        counted = [latest[point][0] for point in proof.points if point in latest]
        numbers = [float(one) for one in counted if isinstance(one, int | float)]
        return max(numbers, default=None)

    # -- the watch -------------------------------------------------------------------------------

    def load(self, cases: Iterable[Case]) -> None:
        """The open orders, after a start."""
        for case in cases:
            self.changed(case)

    def changed(self, case: Case) -> None:
        """Is its device to be listened to, and until when?"""
        if not case.is_order:
            return
        waits = not case.is_closed and case.work is not None
        if case.device is not None:
            theirs = self.watched.setdefault(case.device, {})
            if waits:
                theirs[case.id] = None
            else:
                theirs.pop(case.id, None)
            if not theirs:
                del self.watched[case.device]
        if waits:
            self._touched[case.id] = None
        if waits and case.proof_until_ms is not None:
            self._until[case.id] = case.proof_until_ms
        else:
            self._until.pop(case.id, None)

    def hear(self, device: str, seq: int, arrived_ms: int, readings: tuple[Reading, ...]) -> None:
        """An entry of a device that is watched; looked at by `take_shown`."""
        self._heard.append(Word(device, seq, arrived_ms, readings))

    def take_heard(self) -> list[tuple[str, Word]]:
        """Which orders may be shown by what was heard since the last call."""
        heard, self._heard = self._heard, []
        return [(case_id, word) for word in heard for case_id in self.watched.get(word.device, ())]

    def take_touched(self) -> list[str]:
        """Orders of which something has changed since the last call."""
        touched, self._touched = self._touched, {}
        return list(touched)

    def listen(self, case: Case, rule: Rule | None, word: Word) -> tuple[Shown | None, Case]:
        """Does the entry show it? The case, the beginning of its work moved along."""
        work = case.work
        if work is None or case.shown_at_ms is not None:
            return None, case
        proof = self.proof(case, rule)
        if proof.kind == RULE:
            return None, case
        shown, moved = look(proof, work, word.seq, word.arrived_ms, word.readings)
        return shown, case if moved == work else replace(case, work_base=moved.base)

    def ended(self, case: Case, rule: Rule | None, finding: Finding) -> Shown | None:
        """Does the end of its alert show it? Of a group of devices nothing else can."""
        work = case.work
        if work is None or self.proof(case, rule).kind != RULE:
            return None
        newer = finding.seq is None or finding.seq > work.seq
        return Shown(finding.at_ms) if newer and finding.at_ms >= work.since_ms else None

    # -- time ------------------------------------------------------------------------------------

    @property
    def due_ms(self) -> int | None:
        """The next moment at which a proof was waited for long enough."""
        return min(self._until.values(), default=None)

    def ripe(self, now_ms: int) -> list[str]:
        """Orders whose proof was waited for long enough."""
        return [case_id for case_id, until_ms in self._until.items() if until_ms <= now_ms]


def serves(rule: Rule | None) -> bool:
    """Does the rule count uses since the last service?"""
    return rule is not None and any(isinstance(one, Every) for one in simple_of(rule.when))
