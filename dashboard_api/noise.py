"""What makes the most noise, rules and devices, and which change of a rule would spare how much.

A change is proposed from the history of the very alerts: of how many the end came so soon that a
longer `hold_for` had kept them from opening, and how many opened again so soon after their end
that a longer `clear_for` had left the one before open. What it would really have done is for
`hub rules backtest` to show; `trial` is the address of the page that tries it.
An emergency is never delayed, nor a rule that waits for an event or for silence: no proposals.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.targets import Targets
from rules.condition import Above, Below, Equals, simple_of
from rules.rule import Rule

Figures = dict[str, Any]

# Round spans, so that a proposal can be said; which of them is proposed, the history says.
STEPS_S = (10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)

_IN_SPAN = "opened_heard_ms >= :from_ms AND opened_heard_ms < :to_ms AND NOT taken_back"
_RULES = sa.text(
    "SELECT rule, max(severity = 'emergency') AS grave, count(*) AS alerts, "
    f"count(DISTINCT key) AS keys FROM alerts WHERE {_IN_SPAN} "
    "GROUP BY rule ORDER BY alerts DESC, rule LIMIT :rows"
)
# Of a device its noisiest rule is named, and its figures are those that a change is made by.
_DEVICES = sa.text(f"""
SELECT noisy.device, noisy.alerts, d.name_zh, d.name_en, rule, grave, max(by_rule) AS by_rule
FROM (
    SELECT device, count(*) AS alerts FROM alerts WHERE {_IN_SPAN} AND device IS NOT NULL
    GROUP BY device ORDER BY alerts DESC, device LIMIT :rows
) noisy JOIN (
    SELECT device, rule, max(severity = 'emergency') AS grave, count(*) AS by_rule FROM alerts
    WHERE {_IN_SPAN} GROUP BY device, rule ORDER BY rule
) pairs ON pairs.device = noisy.device LEFT JOIN devices d ON d.id = noisy.device
GROUP BY noisy.device ORDER BY noisy.alerts DESC, noisy.device
""")
# In the step of `STEPS_S` below which it lies: how long alerts lasted, and how soon after the end
# of one the next of the same thing opened.
_STEP = " ".join(f"WHEN {{0}} < {s * 1_000} THEN {s}" for s in STEPS_S)
_SPANS = f"""
SELECT CASE {_STEP.format("lasted")} END AS short_s, CASE {_STEP.format("pause")} END AS soon_s,
    count(*) AS alerts
FROM (
    SELECT device, closed_at_ms - opened_at_ms AS lasted, opened_at_ms - lag(closed_at_ms)
        OVER (PARTITION BY key ORDER BY opened_at_ms, id) AS pause
    FROM alerts WHERE {_IN_SPAN} AND rule = :rule AND {{which}}
) GROUP BY 1, 2
"""
_OF_RULE = sa.text(_SPANS.format(which="1"))
_OF_DEVICE = sa.text(_SPANS.format(which="device = :device"))


def noisiest(
    connection: Connection, from_ms: int, to_ms: int, targets: Targets, rules: Mapping[str, Rule]
) -> Figures:
    """The rules and the devices with the most alerts heard in [from, to), each with proposals."""
    given = {"from_ms": from_ms, "to_ms": to_ms, "rows": targets.rows_max}
    by_rule = connection.execute(_RULES, given).mappings().all()
    by_device = connection.execute(_DEVICES, given).mappings().all()
    history = History(connection, from_ms, to_ms, targets.spares_percent, rules)
    return {
        "rules": [
            {
                **{name: row[name] for name in ("rule", "alerts", "keys")},
                "proposals": history.proposals(row, row["alerts"]),
            }
            for row in by_rule
        ],
        "devices": [
            {
                **{name: row[name] for name in ("device", "alerts", "rule", "by_rule")},
                "name_zh": row["name_zh"] or row["device"],
                "name_en": row["name_en"] or row["device"],
                "proposals": history.proposals(row, row["by_rule"], row["device"]),
            }
            for row in by_device
        ],
    }


@dataclass(frozen=True, slots=True)
class History:
    """The alerts of a span, asked for what a longer wait had spared."""

    connection: Connection
    from_ms: int
    to_ms: int
    spares_percent: float
    rules: Mapping[str, Rule]

    def proposals(
        self, row: Mapping[Any, Any], alerts: int, device: str | None = None
    ) -> list[Figures]:
        """For a rule, or for it about one device: at most one of each kind of wait."""
        rule = self.rules.get(row["rule"])
        if rule is None or row["grave"] or not _may_wait(rule):
            return []
        found = []
        for change, spares_by_step in self._spares(rule.name, device).items():
            spares = 0
            for step_s in STEPS_S:
                spares += spares_by_step[step_s]
                if spares > 1 and 100 * spares >= self.spares_percent * alerts:
                    found.append(_proposal(rule, change, step_s, spares, alerts, device))
                    break
        return found

    def _spares(self, rule: str, device: str | None) -> dict[str, Counter[int]]:
        """By change of the rule: how many alerts lie in each step."""
        given = {"from_ms": self.from_ms, "to_ms": self.to_ms, "rule": rule, "device": device}
        found: dict[str, Counter[int]] = {"hold_for": Counter(), "clear_for": Counter()}
        query = _OF_RULE if device is None else _OF_DEVICE
        for short_s, soon_s, alerts in self.connection.execute(query, given):
            found["hold_for"][short_s] += alerts
            found["clear_for"][soon_s] += alerts
        return found


def _may_wait(rule: Rule) -> bool:
    """Only a state can be waited for: an event is over in the moment in which it happens."""
    return rule.severity != "emergency" and all(
        isinstance(one, Equals | Above | Below) for one in simple_of(rule.when)
    )


def _proposal(
    rule: Rule, change: str, step_s: int, spares: int, alerts: int, device: str | None
) -> Figures:
    """`hysteresis`: the rule compares a number; a wider way back may do the same as waiting."""
    now_ms = rule.hold_for_ms if change == "hold_for" else rule.clear_for_ms
    to_s = now_ms // 1_000 + step_s
    wish = {"rule": rule.name, change: f"{to_s}s"} | ({} if device is None else {"device": device})
    compares = any(isinstance(one, Above | Below) for one in simple_of(rule.when))
    return {
        "change": change,
        "from_s": now_ms / 1_000,
        "to_s": to_s,
        "spares": spares,
        "of": alerts,
        "hysteresis": compares and change == "clear_for",
        "trial": f"/rules?{urlencode(wish)}",
    }
