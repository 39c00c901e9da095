"""Which rules a hub begins with: those that were in force when it ended.

What has changed in the files since then is taken the ordinary way, through the journal, right after
the start (`hub/reload.py`). So a hub whose files were broken in the meantime still hears presses.
"""

import logging
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub import overrides, rule_files, rule_sets
from hub.database import for_writing, open_engine
from hub.overrides import OVERRIDES_REMEMBERED_MS, Rulings
from hub.rule_files import NO_PRESS
from hub.rule_sets import KeptSet
from hub.settings import Settings
from rules.loader import RuleMistakes
from rules.rule import RuleSet

log = logging.getLogger(__name__)


def rules_to_start_with(engine: Engine, settings: Settings, now_ms: int) -> Rulings:
    """The rules and overrides for the judge of a hub that begins.

    Raises `RuleMistakes` when there is no earlier set and the files are wrong.
    """
    with engine.connect() as connection:
        kept = rule_sets.in_force(connection)
        rows = overrides.since(connection, now_ms - OVERRIDES_REMEMBERED_MS)
    texts = _texts_of(kept) if kept is not None else None
    if texts is None:
        texts = rule_files.read_texts(settings)
        found = rule_files.check(texts, hears_presses=False)
        with for_writing(engine).begin() as connection:
            rule_sets.begin_with(connection, texts, found, now_ms)
    rulings = overrides.with_overrides(texts, rows)
    if not rulings.files.hears_presses:
        log.critical(NO_PRESS)
    return rulings


def _texts_of(kept: KeptSet) -> dict[str, str] | None:
    """Its texts, if this version of the program can still read them."""
    try:
        rule_files.check(kept.texts, hears_presses=False)
    except RuleMistakes as error:
        log.error("the rules that were in force cannot be read any more: %s", error)
        return None
    return kept.texts


def rules_in_force(settings: Settings, now_ms: int) -> RuleSet:
    """What the judge has, for other processes; before the first start what stands in the files.

    Raises `RuleMistakes`, OSError.
    """
    kept = kept_in(settings)
    if kept is None:
        return rule_files.rules_of_files(settings)
    engine = open_engine(settings.database)
    try:
        with engine.connect() as connection:
            rows = overrides.since(connection, now_ms - OVERRIDES_REMEMBERED_MS)
    finally:
        engine.dispose()
    return overrides.with_overrides(kept.texts, rows).together


def kept_in(settings: Settings) -> KeptSet | None:
    """The set that is in force; None where no hub of this version has run yet."""
    if not Path(settings.database.removeprefix("sqlite:///")).exists():
        return None
    engine = open_engine(settings.database)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("rule_sets"):
                return None
            return rule_sets.in_force(connection)
    finally:
        engine.dispose()
