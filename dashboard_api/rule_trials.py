"""Trials of rules: the last days judged by rules to try, each in a process of its own.

The pages' process answers everybody, so it does none of this work itself. Bounds:
`rule_trials_max` at a time, `rule_trial_s_max` each, `rule_trials_kept` results in memory.
"""

import asyncio
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard_api.errors import Problem
from hub.children import end_child, start_child
from hub.settings import Settings, as_environment

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
LINE_BYTES_MAX = 4_194_304  # of what the process says in one line; its lists are cut


@dataclass(slots=True)
class RuleTrial:
    """One trial: how far it is, and what came of it."""

    id: str
    rule: str
    days: int
    by: str
    begun_ms: int
    state: str = RUNNING
    done: int = 0  # journal entries
    about: int = 0
    result: dict[str, Any] | None = None
    why: str = ""
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class RuleTrials:
    """Those that run and the newest that have ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, RuleTrial] = {}

    def get(self, trial_id: str) -> RuleTrial:
        """A trial. Raises the 404."""
        found = self._known.get(trial_id)
        if found is None:
            raise Problem(404, f"There is no trial {trial_id}.", code="no_such_trial")
        return found

    async def begin(
        self, rule: str, names: list[str], texts: Mapping[str, str], days: int, by: str, now_ms: int
    ) -> RuleTrial:
        """Start the process. `names`: the rules that are compared. Raises the 429 when full."""
        if self._count_running() >= self._settings.rule_trials_max:
            en = "Another trial of rules runs; wait until it has ended."
            zh = "另一个试算正在进行，请稍候。"
            more = {"reason_zh": zh, "reason_en": en}
            raise Problem(429, en, headers={"Retry-After": "10"}, code="trials_busy", **more)
        trial = RuleTrial(secrets.token_urlsafe(9), rule, days, by, now_ms)
        self._known[trial.id] = trial
        self._forget()
        order = {"texts": dict(texts), "names": names, "days": days, "now_ms": now_ms}
        trial.task = asyncio.create_task(self._run(trial, order), name=f"trial {trial.id}")
        return trial

    def _count_running(self) -> int:
        return sum(trial.state == RUNNING for trial in self._known.values())

    def _forget(self) -> None:
        ended = [one.id for one in self._known.values() if one.state != RUNNING]
        for trial_id in ended[: max(0, len(self._known) - self._settings.rule_trials_kept)]:
            del self._known[trial_id]

    async def stop(self, trial_id: str) -> RuleTrial:
        """End it; what has ended stays as it is."""
        trial = self.get(trial_id)
        if trial.state == RUNNING:
            trial.state = STOPPED
            assert trial.task is not None
            trial.task.cancel()
            with suppress(asyncio.CancelledError):
                await trial.task
        return trial

    async def close(self) -> None:
        """End all that run."""
        for trial in list(self._known.values()):
            await self.stop(trial.id)

    async def _run(self, trial: RuleTrial, order: Mapping[str, Any]) -> None:
        number, name = tempfile.mkstemp(prefix="trial-", dir=self._settings.data_dir)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as opened:
                json.dump(order, opened, ensure_ascii=False)
            async with asyncio.timeout(self._settings.rule_trial_s_max):
                await self._follow(trial, name)
        except TimeoutError:
            _fail(trial, f"longer than HUB_RULE_TRIAL_S_MAX={self._settings.rule_trial_s_max:g} s")
        except (OSError, ValueError) as error:  # no process, or a line that is too long
            _fail(trial, str(error))
        finally:
            await asyncio.to_thread(Path(name).unlink, missing_ok=True)
            if trial.process is not None and trial.process.returncode is None:
                await end_child(trial.process, self._settings.child_end_s)

    async def _follow(self, trial: RuleTrial, order: str) -> None:
        trial.process = await start_child(
            [sys.executable, "-m", "dashboard_api.try_rules", order],
            stdout=asyncio.subprocess.PIPE,
            environment={**os.environ, **as_environment(self._settings)},
            line_bytes_max=LINE_BYTES_MAX,
        )
        assert trial.process.stdout is not None
        async for line in trial.process.stdout:
            _hear(trial, json.loads(line))
        code = await trial.process.wait()
        if trial.state == RUNNING:
            _fail(trial, f"its process ended with {code}")


def _hear(trial: RuleTrial, said: Mapping[str, Any]) -> None:
    trial.done, trial.about = said.get("done", trial.done), said.get("about", trial.about)
    if "result" in said and trial.state == RUNNING:
        trial.result, trial.state = said["result"], DONE
    if "failed" in said:
        _fail(trial, str(said["failed"]))


def _fail(trial: RuleTrial, why: str) -> None:
    if trial.state == RUNNING:
        trial.state, trial.why = FAILED, why
