"""A mistake is refused with file, line, column, what is wrong and the nearest right word."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.document import FILE_BYTES_MAX, Unreadable, parse_document
from rules.loader import RuleMistakes, load

GOOD = {
    "rule": "held",
    "when": "{point: contact, equals: open}",
    "severity": "warning",
    "category": "security",
}


def text_of(**changed: str | None) -> str:
    """A file of one rule. A key that is None is left out."""
    keys = {**GOOD, **changed}
    lines = [f"    {key}: {value}" for key, value in keys.items() if value is not None]
    return "rules:\n  -\n" + "\n".join(lines) + "\n"


def mistakes_of(folder: Path, text: str) -> list[str]:
    """Each as `line:column: what`."""
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RuleMistakes) as caught:
        load([folder])
    return [str(m).removeprefix(f"{folder}/a.yaml:") for m in caught.value.mistakes]


def story(**keys: str) -> str:
    """The value of `tests` with one story."""
    given = {"story": "s", "given": "[{0s: {contact: open}}]", "heard": "[]", **keys}
    return "[{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}]"


MISTAKES: list[tuple[dict[str, str | None], str]] = [
    ({"hold_four": "10m"}, "7:5: a rule: unknown key 'hold_four'; did you mean hold_for?"),
    ({"rule": None}, "3:5: a rule: 'rule' is missing"),
    ({"when": None}, "3:5: rule held: 'when' is missing"),
    ({"severity": None}, "3:5: rule held: 'severity' is missing"),
    ({"category": None}, "3:5: rule held: 'category' is missing"),
    ({"rule": "Door Held"}, "kebab-case, unlike 'Door Held'; did you mean door-held?"),
    ({"rule": "[a]"}, "3:11: expected a text, not a list"),
    ({"severity": "warnin"}, "not 'warnin'; did you mean warning?"),
    ({"category": "securty"}, "not 'securty'; did you mean security?"),
    ({"hold_for": "10"}, "10 of what? a duration has a unit; did you mean 10s?"),
    (
        {"hold_for": "10 min"},
        "expected a duration such as 500ms, 30s, 10m, 24h or 7d, not '10 min'",
    ),
    ({"hold_for": "-5m"}, "expected a duration"),
    ({"hold_for": "true"}, "expected a duration"),
    ({"hold_for": "9999999d"}, "longer than ten years"),
    ({"clear_for": "[1m]"}, "expected a duration"),
    ({"where": "door"}, "where: expected a mapping, not 'door'"),
    ({"where": "{famly: door}"}, "where: unknown key 'famly'; did you mean family?"),
    ({"where": "{family: dor}"}, "where: unknown family 'dor'; did you mean door?"),
    ({"where": "{family: []}"}, "not an empty list"),
    ({"where": "{family: door, family: door}"}, "the key 'family' stands here twice"),
    ({"when": "open"}, "4:11: when: expected a condition such as"),
    ({"when": "{}"}, "when: expected a condition such as"),
    ({"when": "{point: contact}"}, "when: expected one of equals, in, below"),
    ({"when": "{point: contact, equal: open}"}, "unknown key 'equal'; did you mean equals?"),
    ({"when": "{point: contct, equals: open}"}, "unknown point 'contct'; did you mean contact?"),
    ({"when": "{equals: open}"}, "when: 'point' is missing"),
    ({"when": "{point: contact, equals: [open]}"}, "expected one value, not a list"),
    ({"when": "{point: contact, in: []}"}, "expected at least one value"),
    ({"when": "{point: contact, equals: open, within: 1m}"}, "unknown key 'within'"),
    ({"when": "{point: battery, below: low}"}, "expected a number, not 'low'"),
    ({"when": "{point: battery, below: .nan}"}, "expected a finite number"),
    ({"when": "{point: battery, below: 15, back_above: 10}"}, "10 lies below the limit 15"),
    ({"when": "{point: battery, above: 15, back_below: 20}"}, "20 lies above the limit 15"),
    ({"when": "{point: battery, below: 15, back_below: 20}"}, "did you mean back_above?"),
    ({"when": "{point: contact, changes: 10}"}, "'within' is missing"),
    ({"when": "{point: contact, changes: 0, within: 1m}"}, "a whole number from 1"),
    ({"when": "{point: contact, changes: 2, within: 0s}"}, "expected a duration above 0"),
    ({"when": "{point: uses, rises: 1.5, within: 1m}"}, "a whole number from 1"),
    ({"when": "{point: uses, every: 0}"}, "expected a number above 0"),
    ({"when": "{silent_for: expectd}"}, "did you mean expected?"),
    ({"when": "{silent_for: 0s}"}, "expected a duration above 0"),
    ({"when": "{silents_for: 1h}"}, "unknown condition 'silents_for'; did you mean silent_for?"),
    ({"when": "{unlike_itslf: {point: contact}}"}, "did you mean unlike_itself?"),
    ({"when": "{unlike_itself: contact}"}, "unlike_itself: expected a mapping, not 'contact'"),
    ({"when": "{unlike_itself: {}}"}, "unlike_itself: 'point' is missing"),
    ({"when": "{unlike_itself: {point: contct}}"}, "did you mean contact?"),
    ({"when": "{unlike_itself: {point: battery}}"}, "changes without anybody doing something"),
    ({"when": "{unlike_itself: {point: contact, ovr: 28d}}"}, "did you mean over?"),
    ({"when": "{unlike_itself: {point: contact, by: day}}"}, "by: expected hour, not 'day'"),
    ({"when": "{unlike_itself: {point: contact, over: 36h}}"}, "expected whole days, 3d to 56d"),
    ({"when": "{unlike_itself: {point: contact, over: 60d}}"}, "expected whole days, 3d to 56d"),
    ({"when": "{unlike_itself: {point: contact, way: les}}"}, "did you mean less?"),
    ({"when": "{unlike_itself: {point: contact, days: part}}"}, "did you mean apart?"),
    ({"when": "{unlike_itself: {point: contact, at_least_days: 29}}"}, "the 28 days of over"),
    ({"when": "{unlike_itself: {point: contact, rarer_than: 0}}"}, "a share above 0, 50% at most"),
    ({"when": "{unlike_itself: {point: contact, rarer_than: few%}}"}, "a share such as 5%"),
    ({"when": "{unlike_itself: {point: contact, rarer_than: 1%}}"}, "that takes 99"),
    ({"when": "{any: [{unlike_itself: {point: battery}}]}"}, "changes without anybody"),
    ({"when": "{any: []}"}, "any: expected at least one condition"),
    ({"when": "{any: [{all: [{silent_for: 1h}]}]}"}, "any goes one level deep: no all inside"),
    ({"when": "{together: {}, at_least: 1, within: 1m, when: {silent_for: 1h}}"}, "at_least 1"),
    ({"when": "{together: {}, within: 1m, when: {silent_for: 1h}}"}, "'at_least' is missing"),
    (
        {"when": "{together: {}, at_least: 2, within: 1m, same: gird, when: {silent_for: 1h}}"},
        "did you mean grid?",
    ),
    ({"when": "{first: {silent_for: 1h}, within: 1m}"}, "expected either then or without"),
    (
        {"when": "{first: {silent_for: 1h}, then: {silent_for: 2h}}"},
        "'within' is missing",
    ),
    (
        {"when": "{point: press, happens: [sos]}", "hold_for": "5s"},
        "an event is true at one instant only",
    ),
    ({"during": '{from: "22:00"}'}, "from and to go together"),
    ({"during": '{from: "22:00", to: "22:00"}'}, "an impossible window"),
    ({"during": '{from: "25:00", to: "06:00"}'}, 'expected a time of day such as "22:00"'),
    ({"during": '{from: "24:00", to: "06:00"}'}, "did you mean 00:00?"),
    ({"during": "{days: [monday]}"}, "unknown day 'monday'"),
    ({"during": "{}"}, "expected from and to, or days"),
    ({"title": "{zh: 门}"}, "title: 'en' is missing"),
    ({"say": '{zh: "{plaze}", en: "x"}'}, "say: unknown {plaze}"),
    ({"say": '{zh: "{place", en: "x"}'}, "say: "),
    ({"tests": "yes"}, "expected a list, not 'yes'"),
    ({"tests": story(givn="[]")}, "a story: unknown key 'givn'; did you mean given?"),
    ({"tests": "[{story: s, given: []}]"}, "'heard' is missing"),
    ({"tests": story(heard="[{10m: opns}]")}, "did you mean opens?"),
    ({"tests": story(heard="[{ten: opens}]")}, "expected a duration"),
    ({"tests": story(heard="[{10m: taken_back}]")}, "heard: expected opens | closes | again"),
    ({"tests": story(given="[{0s: {d1: {contact: open}, d9: {contact: open}}}]")}, "expected one"),
    (
        {"tests": story(devices="{a: {}, b: {}}", given="[{0s: {aa: {contact: open}}}]")},
        "'aa' is none of the devices a, b; did you mean a?",
    ),
    ({"tests": story(given="[{0s: {hub: restrt}}]")}, "did you mean restart?"),
    ({"tests": story(given="[{0s: {gateway: {g: of}}}]")}, "gateway: expected offline | online"),
    ({"tests": story(given="[{0s: {contact: open, late: soon}}]")}, "expected a duration"),
    ({"tests": story(given="[{0s: {contact: open, again: 2}}]")}, "again: expected true or false"),
    ({"tests": story(start="2026-03-02T22:30:00")}, "say the offset from UTC"),
    ({"tests": story(start="yesterday")}, "start: expected a moment"),
    ({"tests": story(given="[{2h: {contact: open}}]", until="1h")}, "until lies before"),
    ({"tests": story(devices="{d1: {familly: door}}")}, "did you mean family?"),
]


@pytest.mark.parametrize(("changed", "expected"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_in_a_rule(tmp_path: Path, changed: dict[str, str | None], expected: str) -> None:
    """One mistake, one line with its place."""
    found = mistakes_of(tmp_path, text_of(**changed))

    assert any(expected in line for line in found), found
    assert all(line.split(":")[0].isdigit() and line.split(":")[1].isdigit() for line in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: [", "this is not YAML"),
        ("rules:\n\t- x", "2:1: this is not YAML"),
        ("rules: *nobody", "undefined alias"),
        ("rules: {}\n---\nrules: {}", "this is not YAML"),
        ("rules: &a [*a]", "nested deeper than"),
        ("rule: []", "1:1: the file: unknown key 'rule'; did you mean rules?"),
        ("overrides: off", "1:12: expected a list, not"),
        ("rules: 5", "1:8: expected a list, not 5"),
        ("- rules", "the file: expected a mapping, not a list"),
        ("rules: " + "[" * 5_000, "nested deeper than"),
        ("a: &a [" + "1, " * 40 + "]\nrules: [" + "*a, " * 5_000 + "]", "more than 100000 items"),
        ('rules: "\x01"', "this is not YAML"),
        ("rules:\n  - 7", "a rule: expected a mapping, not 7"),
    ],
)
def test_a_broken_file(tmp_path: Path, text: str, expected: str) -> None:
    """Never a traceback, and never more than a moment."""
    assert any(expected in line for line in mistakes_of(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """The place of the first wrong byte."""
    (tmp_path / "a.yaml").write_bytes(b"rules:\n  - \xff\n")
    with pytest.raises(RuleMistakes, match=r"a\.yaml:2:5: this is not UTF-8 text"):
        load([tmp_path])


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """It is not even parsed."""
    (tmp_path / "a.yaml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(RuleMistakes, match="larger than"):
        load([tmp_path])


def test_all_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    """Whoever mends them need not come back for the next one."""
    (tmp_path / "a.yaml").write_text(text_of(severity="x", hold_for="1"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text("rules: [", encoding="utf-8")
    with pytest.raises(RuleMistakes) as caught:
        load([tmp_path])

    assert [Path(m.file).name for m in caught.value.mistakes] == ["a.yaml", "a.yaml", "b.yaml"]


def test_two_rules_of_one_name(tmp_path: Path) -> None:
    """The second is refused with the place of the first, across files too."""
    (tmp_path / "a.yaml").write_text(text_of(), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(text_of(), encoding="utf-8")
    with pytest.raises(RuleMistakes, match=r"b\.yaml:3:1: a second rule of the name 'held'"):
        load([tmp_path])


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """With the nearest name that is."""
    (tmp_path / "doors.yaml").write_text(text_of(), encoding="utf-8")
    with pytest.raises(RuleMistakes, match=r"no such file or folder; did you mean doors\.yaml\?"):
        load([tmp_path / "door.yaml"])


def test_titles_words_and_tests_are_not_the_rules_meaning(tmp_path: Path) -> None:
    """A rule keeps its version, and so its running timers, over a change of words."""

    def version(**changed: str) -> str:
        (tmp_path / "a.yaml").write_text(text_of(**changed), encoding="utf-8")
        return load([tmp_path]).rules[0].version

    assert version() == version(title="other", say="words", tests=story())
    assert version() != version(hold_for="1s")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_document_or_a_mistake(text: str) -> None:
    """The reader of YAML raises nothing else."""
    with suppress(Unreadable):
        parse_document(text, "a.yaml")


_WORDS = st.sampled_from(
    ["rules", "rule", "when", "point", "contact", "equals", "open", "any", "first", "10m", "tests",
     "story", "given", "heard", "during", "from", "where", "severity", "say", "{x", "", "0s", "d1"]
)  # fmt: skip
_TREES = st.recursive(
    st.one_of(_WORDS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner)),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(_TREES)
def test_any_tree_of_words_is_a_rule_or_mistakes(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    """However wrong a rule is, a person gets words and no traceback."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    body = {**GOOD, **(tree if isinstance(tree, dict) else {"when": tree})}
    lines = [f"    {key or '?'!r}: {_flow(value)}" for key, value in body.items()]
    file.write_text("rules:\n  -\n" + "\n".join(lines), encoding="utf-8")
    with suppress(RuleMistakes):
        load([file])


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, str) and value not in GOOD.values() else str(value)
