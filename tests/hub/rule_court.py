"""A courtroom whose rules are files in a folder, with the loop that notices their changes."""

from pathlib import Path

from sqlalchemy.engine import Connection

from hub import rule_sets
from hub.cases import Cases
from hub.devices import Devices
from hub.docket import Docket
from hub.evaluate import Evaluation
from hub.feed import Feed
from hub.health import NO_FIGURES, Figures
from hub.journal import COMMAND, Entry
from hub.reload import Reload
from hub.rule_sets import KeptSet
from hub.rule_start import rules_to_start_with
from hub.settings import Settings
from hub.site import Site
from rules.judge import Judge
from rules.loader import built_in
from tests.hub.courtroom import DEVICES, RULES, Courtroom


class RuleCourt(Courtroom):
    """`write` changes a file, `look` has the hub look at the folder, `kill` begins anew."""

    def __init__(self, folder: Path, rules: str = RULES) -> None:
        self.folder = folder / "rules"
        self.folder.mkdir()
        self.write("rules.yaml", rules)
        self.reports: list[tuple[str, str, str]] = []  # part, state, text
        self._room = folder
        super().__init__(folder)

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str = "rules.yaml") -> str:
        """A file's text."""
        return (self.folder / name).read_text(encoding="utf-8")

    def begin(self) -> None:
        """A fresh process: the rules are those that were in force."""
        self.settings = Settings(
            data_dir=self._room, settle_ms=0, rules_dir=str(self.folder), standings_flush_ms=0
        )
        self.feed = Feed(self.settings.judge_queue_batches_max)
        rulings = rules_to_start_with(self.engine, self.settings, self.clock.now)
        rules = rulings.files.with_built_in_of(built_in())
        self.judge = Judge(rules, overrides=rulings.own, zone=Site().zone)
        self.evaluation = Evaluation(
            Docket(self.judge, Cases(), Devices(DEVICES), ["mqtt", "log"]),
            engine=self.engine,
            writer=self.writer,
            feed=self.feed,
            settings=self.settings,
            clock=self.clock,
            on_written=lambda: None,
        )
        self.evaluation.restore()
        self.reload = Reload(
            engine=self.engine,
            writer=self.writer,
            settings=self.settings,
            clock=self.clock,
            report=self.report,
        )

    def report(
        self, part: str, state: str, text_zh: str, text_en: str, figures: Figures = NO_FIGURES
    ) -> None:
        """See `hub.health.Report`."""
        assert text_zh
        self.reports.append((part, state, text_en))

    async def look(self, times: int = 2) -> None:
        """The hub looks at the folder so often; what has changed is taken when it has rested."""
        for _ in range(times):
            await self.reload.look()

    async def reloaded(self) -> None:
        """The files are in force."""
        await self.look()
        await self.work()
        await self.look(1)

    @property
    def in_force(self) -> KeptSet:
        """The set that the judge has."""
        with self.engine.connect() as connection:
            found = rule_sets.in_force(connection)
        assert found is not None
        return found

    def command(self, act: str, by: str = "wang", **more: object) -> None:
        """An order of the pages."""
        body = {"act": act, "by": by, **more}
        self.keep([Entry(0, COMMAND, None, self.clock.now, (), body)], in_memory=False)

    def override(self, rule: str, until_s: float, **more: object) -> None:
        """Somebody gives one that ends so many seconds from now."""
        asked = {"rule": rule, "reason": "a holiday", **more}
        until_ms = self.clock.now + int(until_s * 1_000)
        self.command("override", override=asked, until_ms=until_ms)

    def ask(self, connection: Connection, texts: dict[str, str], by: str) -> int:
        """The pages' way to another set."""
        return rule_sets.ask_for(connection, texts, by, self.clock.now, 100)
