"""What a reading costs against the number of rules that are not about its device.

3,000 doors are judged by five rules that are about them, beside 10, 100, 1,000 and 10,000 rules
about others: single devices by name, other families, and other points of every device of a grid
where none is. The cost of a reading must not grow with them. What may grow is the work when a
device becomes known, and by little: rules are found by the devices and families that they name.

Prints JSON at the end. `python -m benchmarks.rules [--devices N] [--readings M] [--rounds R]`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from device_drivers.reading import Reading
from hub.memory import settle_memory
from hub.site import PLAIN_ZONE
from rules.condition import AnyOf, Below, Changes, Condition, Equals, Silent, Still, Where
from rules.facts import DeviceFacts
from rules.judge import Judge
from rules.rule import Rule, RuleSet

OTHERS = (10, 100, 1_000, 10_000)
START_MS = 1_772_413_200_000
HOUR_MS = 3_600_000

CONCERNED: tuple[Condition, ...] = (
    Equals("contact", ("open",)),
    Below("battery", 15, 20),
    Changes("contact", 10, 60_000),
    Still("contact", 24 * HOUR_MS),
    Silent(None),
)
ELSEWHERE: tuple[tuple[Callable[[int], Where], Condition], ...] = (
    (lambda n: Where(device=(f"machine-{n}",)), Equals("contact", ("open",))),
    (lambda n: Where(family=(f"family-{n % 50}",)), Below("battery", 15, 20)),
    (lambda n: Where(family=("button",)), AnyOf((Silent(None), Equals("tamper", (True,))))),
    (lambda n: Where(grid=(f"elsewhere-{n}",)), Silent(HOUR_MS)),
)


def rules_with(others: int) -> RuleSet:
    """The rules about doors among so many others."""
    doors = Where(family=("door",))
    found = [Rule(f"door-{n}", when, doors, version="1") for n, when in enumerate(CONCERNED)]
    for n in range(others):
        where, when = ELSEWHERE[n % len(ELSEWHERE)]
        found.append(Rule(f"other-{n}", when, where(n), version="1"))
    return RuleSet(tuple(found))


def judge_with(others: int, devices: int) -> tuple[Judge, float]:
    """A judge that knows all devices, and how long getting to know one took, in µs."""
    judge = Judge(rules_with(others), zone=PLAIN_ZONE)
    before = time.process_time()
    for n in range(devices):
        judge.know(DeviceFacts(f"door-{n}", "door", grid=f"g{n % 12}", known_since_ms=START_MS))
    return judge, (time.process_time() - before) / devices * 1e6


def cost_us(judge: Judge, devices: int, readings: int, round_: int) -> float:
    """CPU time of a message of two readings, in µs."""
    entries = []
    for n in range(readings):
        at_ms = START_MS + round_ * HOUR_MS + n * 5
        said = (
            Reading("contact", ("open", "closed")[n // devices % 2], at_ms),
            Reading("battery", 80, at_ms),
        )
        entries.append((round_ * readings + n + 1, f"door-{n % devices}", at_ms, said))
    before = time.process_time()
    for entry in entries:
        judge.hear(*entry)
    spent = time.process_time() - before
    judge.take_findings()
    return spent / readings * 1e6


def main() -> None:
    """Measure each number of rules in turns, and print costs and their ratio to the fewest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=3_000)
    parser.add_argument("--readings", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    judges = {others: judge_with(others, asked.devices) for others in OTHERS}
    settle_memory()
    costs: dict[int, list[float]] = {others: [] for others in OTHERS}
    for round_ in range(asked.rounds):
        for others, (judge, _) in judges.items():
            costs[others].append(cost_us(judge, asked.devices, asked.readings, round_))
    print(json.dumps(_table(judges, costs), indent=2))


def _table(
    judges: dict[int, tuple[Judge, float]], costs: dict[int, list[float]]
) -> list[dict[str, Any]]:
    least = statistics.median(costs[OTHERS[0]])
    known = judges[OTHERS[0]][1]
    return [
        {
            "other_rules": others,
            "us_per_message": round(statistics.median(costs[others]), 2),
            "ratio": round(statistics.median(costs[others]) / least, 2),
            "us_to_know_a_device": round(judges[others][1], 1),
            "ratio_to_know": round(judges[others][1] / known, 2),
        }
        for others in OTHERS
    ]


if __name__ == "__main__":
    main()
