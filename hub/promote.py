"""Make a rule on trial live in its file: all files right, its stories passed, or nothing at all."""

from dataclasses import dataclass
from pathlib import Path

from hub import rule_files
from hub.rule_edits import write_whole
from hub.settings import Settings
from hub.site import Site
from rules.promotion import NotPromoted, promote
from rules.rule import RuleSet
from rules.story import play


@dataclass(frozen=True, slots=True)
class Promoted:
    """The files that were written, and the rule that is gone for it, if any."""

    files: tuple[Path, ...]
    replaced: str | None


def promote_rule(settings: Settings, site: Site, name: str, now_ms: int) -> Promoted:
    """Rewrite the files of the rules' folder. Raises `NotPromoted`, `RuleMistakes`, OSError."""
    if not rule_files.is_own(settings):
        raise NotPromoted(
            "the community's rules are the program's: set HUB_RULES_DIR to a folder of your own "
            "(`hub rules copy FOLDER`)"
        )
    folder, texts = rule_files.folder_of(settings), rule_files.read_texts(settings)
    promotion = promote(texts, name)
    after = {**texts, **promotion.texts}
    hears = rule_files.check(texts, hears_presses=False).hears_presses
    _check_stories(rule_files.check(after, hears_presses=hears), name, site, now_ms)
    if rule_files.read_texts(settings) != texts:
        raise NotPromoted("somebody has changed the files meanwhile: nothing was written")
    order = list(promotion.texts)
    for file in order:  # the new one's first: for a moment both are there, and never neither
        write_whole(folder / file, promotion.texts[file])
    return Promoted(tuple(folder / file for file in order), promotion.replaced)


def _check_stories(rules: RuleSet, name: str, site: Site, now_ms: int) -> None:
    rule = rules.named(name)
    assert rule is not None
    calendar = site.calendar(now_ms)
    for story in rule.tests:
        outcome = play(rule, story, zone=site.zone, calendar=calendar, site=site.id)
        if not outcome.passed:
            lines = "; ".join(outcome.differences)
            raise NotPromoted(f"its story fails: {story.story}: {lines}")
