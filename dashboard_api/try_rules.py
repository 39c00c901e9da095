"""`python -m dashboard_api.try_rules FILE`: the process of one trial of rules, a JSON line a word.

FILE holds the order: `texts` of the files with the rules to try, `names` of those that are compared
with the rules in force, `days`, `now_ms`. It says `{"done": n, "about": m}` on the way and at the
end `{"result": …}` or `{"failed": why}`.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hub import rule_sets
from hub.backtest import Outcome, Result, Trial
from hub.database import open_engine
from hub.journal import DAY_MS
from hub.overrides import OVERRIDES_REMEMBERED_MS, since, with_overrides
from hub.past import REGISTER_AS_TODAY, NoPast
from hub.past_series import ARRIVALS_UNKNOWN, STRANGERS_UNKNOWN
from hub.replay import TooMany
from hub.series import Unavailable
from hub.settings import Settings, read_settings
from hub.side_by_side import Fallen
from hub.site import read_site
from hub.trying import Span, open_past, try_rules
from rules.past import PastAlert
from rules.rule import RuleSet

NICENESS = 10  # behind the hub and its pages
ALERTS_SHOWN = 100
_UNKNOWN_ZH = {
    REGISTER_AS_TODAY: "当时的登记资料（地点、标签、预期静默时长），按今天的计算",
    ARRIVALS_UNKNOWN: "消息何时到达、哪些是保留消息、经由哪个网关，以及链路何时中断",
    STRANGERS_UNKNOWN: "未登记设备的消息",
}


def main() -> int:
    """Judge, and say what came of it; the exit code."""
    os.nice(NICENESS)
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        say({"result": _try(order, read_settings())})
    except (NoPast, TooMany, Unavailable, Fallen) as error:
        say({"failed": str(error)})
    return 0


def say(body: Mapping[str, Any]) -> None:
    """A line for the pages' process."""
    sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _try(order: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    site, now_ms = read_site(settings.site_file), int(order["now_ms"])
    engine = open_engine(settings.database)
    try:
        with engine.connect() as connection:
            kept = rule_sets.in_force(connection)
            rows = since(connection, now_ms - order["days"] * DAY_MS - OVERRIDES_REMEMBERED_MS)
        there = RuleSet(()) if kept is None else with_overrides(kept.texts, rows).together
        here = with_overrides(order["texts"], rows).together
        trial = Trial.of(_only(here, order["names"]), _only(there, order["names"]))
        from_ms = now_ms - order["days"] * DAY_MS
        span = Span(from_ms, now_ms)
        past = open_past(engine, settings, site, trial.both, span)
        say({"done": 0, "about": past.about})
        result = try_rules(past, trial, span, settings, site, lambda done, _at: say({"done": done}))
    finally:
        engine.dispose()
    return _shown(result, past.source, past.unknown, from_ms)


def _only(rule_set: RuleSet, names: Sequence[str]) -> RuleSet:
    kept = tuple(rule for rule in rule_set.rules if rule.name in names)
    own = tuple(one for one in rule_set.overrides if one.rule in names)
    return replace(rule_set, rules=kept, overrides=own)


def _shown(
    result: Result, source: str, unknown: Sequence[str], asked_from_ms: int
) -> dict[str, Any]:
    found = result.difference
    return {
        "source": source,
        "unknown": [{"zh": _UNKNOWN_ZH.get(what, what), "en": what} for what in unknown],
        "shorter": result.from_ms > asked_from_ms,
        "from_ms": result.from_ms,
        "to_ms": result.to_ms,
        "here": _side(result.here),
        "in_force": _side(result.there),
        "same": found.same,
        "only_here": _alerts(found.only_here),
        "only_in_force": _alerts(found.only_there),
        "moved": [
            {"here": asdict(one.here), "in_force": asdict(one.there)}
            for one in found.moved[:ALERTS_SHOWN]
        ],
        "only_here_count": len(found.only_here),
        "only_in_force_count": len(found.only_there),
        "moved_count": len(found.moved),
    }


def _side(side: Outcome) -> dict[str, Any]:
    load = side.load
    return {
        "opened": len(side.alerts),
        "taken_back": len(side.taken_back),
        "calls": load.calls,
        "at_night": load.at_night,
        "days": load.days,
        "woken": sum(one.calls for one in load.woken),
    }


def _alerts(alerts: Sequence[PastAlert]) -> list[dict[str, Any]]:
    return [asdict(one) for one in alerts[:ALERTS_SHOWN]]


if __name__ == "__main__":
    sys.exit(main())
