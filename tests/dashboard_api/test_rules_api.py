"""Rules over the API, with the real judge behind: reading, reloading, editing, overrides."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Engine

from device_drivers.reading import Reading
from hub.database import alerts, for_writing, standings
from hub.site import Site
from rules.facts import DeviceFacts
from rules.judge import Judge
from rules.loader import load_texts
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.ruled import DOORS, Ruled

API = "/api/v1"
HELD = f"{API}/rules/doors-held"
DAY_MS = 86_400_000


@pytest.fixture
def ruled(tmp_path: Path, engine: Engine, clock: HandClock) -> Ruled:
    return Ruled(tmp_path, engine, clock)


async def own_lines(caller: httpx.AsyncClient) -> str:
    return str((await caller.get(HELD)).json()["text"])


# -- reading ---------------------------------------------------------------------------------------


async def test_the_rules_in_force_are_listed_with_their_words(ruled: Ruled) -> None:
    async with ruled.caller("crew") as crew:
        body = (await crew.get(f"{API}/rules")).json()
        whole = (await crew.get(HELD)).json()

    assert (body["files_differ"], body["mistakes"], body["editable"]) == (False, [], False)
    assert body["set"]["by"] == "hub"
    held = next(one for one in body["rules"] if one["rule"] == "doors-held")
    assert held["words"]["en"].startswith("Door: when contact is open for 10 minutes, a warning")
    assert (held["file"], held["tests"], held["mode"]) == ("doors.yaml", 1, "live")
    assert whole["watched"] == 1
    assert (whole["edits"], whole["overrides"]) == ([], [])


async def test_a_rule_tells_its_last_alerts_with_their_versions(
    ruled: Ruled, engine: Engine
) -> None:
    row: dict[str, Any] = {"rule": "doors-held", "key": "d-1", "device": "d-1"}
    row |= {"severity": "warning", "category": "security", "why_zh": "门开着", "why_en": "open"}
    with for_writing(engine).begin() as connection:
        for number in range(2):
            moments = {"opened_at_ms": NOW_MS + number, "opened_heard_ms": NOW_MS + number}
            own = {"id": f"a{number}", "rule_version": f"v{number}", "taken_back": False}
            connection.execute(alerts.insert().values(**row, **moments, **own))
    async with ruled.caller() as staff:
        whole = (await staff.get(HELD)).json()

    assert [one["rule_version"] for one in whole["firings"]] == ["v1", "v0"]
    assert whole["rule"]["open"] == 2


LEARNS = """rules:
  - rule: unlike
    title: {zh: 与平时不同, en: Unlike itself}
    when: {unlike_itself: {point: contact, over: 14d, at_least_days: 9}}
    severity: notice
    category: welfare
    reason: {zh: 自定, en: Ours.}
"""


def keep_standings(engine: Engine, days: dict[str, int]) -> None:
    """What a judge knows of doors that were used every hour for so many days."""
    judge, seq = Judge(load_texts({"learn.yaml": LEARNS}), zone=Site().zone), 0
    for name, count in days.items():
        judge.know(DeviceFacts(name, "door"))
        judge.know(DeviceFacts(f"{name}-button", "button"))  # has no contact: nothing to learn
        for hour in range(count * 24 + 1):
            at_ms, seq = NOW_MS - count * DAY_MS + hour * 3_600_000, seq + 1
            said = (Reading("contact", ("open", "closed")[hour % 2], at_ms),)
            judge.hear(seq, name, at_ms, said)
    with for_writing(engine).begin() as connection:
        for row in judge.take_changed(100):
            connection.execute(standings.insert().values(row._asdict()))


async def test_a_rule_that_learns_tells_of_whom_it_knows_too_little(
    ruled: Ruled, engine: Engine
) -> None:
    """Who knows least comes first; the reason stands with the words."""
    ruled.write("learn.yaml", LEARNS)
    keep_standings(engine, {"d-1": 6, "d-2": 12, "d-3": 3})
    async with ruled.caller("crew") as crew:
        whole = (await crew.get(f"{API}/rules/unlike")).json()
        other = (await crew.get(HELD)).json()

    still = [(one["key"], one["days"], one["needed"]) for one in whole["learned"]["still"]]
    assert still == [("d-3", 2, 9), ("d-1", 5, 9)]
    assert (whole["learned"]["devices"], whole["learned"]["learning"]) == (3, 2)
    assert whole["rule"]["reason"] == {"zh": "自定", "en": "Ours."}
    assert (other["learned"], other["rule"]["reason"]) == (None, None)


async def test_an_unknown_rule_is_answered_with_the_nearest_name(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        answer = await staff.get(f"{API}/rules/doors-hold")
    assert answer.status_code == 404
    assert "Did you mean doors-held?" in answer.json()["detail"]


async def test_a_rules_own_tests_are_run(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        tests = (await staff.get(f"{HELD}/tests")).json()
    assert [(one["story"], one["passed"]) for one in tests] == [("held for ten minutes", True)]


# -- reloading -------------------------------------------------------------------------------------


async def test_a_reload_tells_what_changed_and_who_did_it(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        same = (await staff.post(f"{API}/rules/reload")).json()
        ruled.write("doors.yaml", DOORS.replace("hold_for: 10m", "hold_for: 20m"))
        answer = await staff.post(f"{API}/rules/reload")
        sets = (await staff.get(f"{API}/rules/sets")).json()
        again = (await staff.post(f"{API}/rules/reload")).json()

    assert (same["changed"], again["changed"]) == (False, False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["diff"]["changed"] == ["doors-held"]
    assert sets[0]["by"] == "staff-own"
    assert sets[0]["diff"]["changed"] == ["doors-held"]


async def test_a_reload_with_a_mistake_is_refused_with_all_of_them(ruled: Ruled) -> None:
    ruled.write("doors.yaml", DOORS)
    async with ruled.caller() as staff:
        ruled.write("doors.yaml", DOORS.replace("equals: open", "equal: open"))
        ruled.write("base.yaml", "rules: [{rule: x}]")
        answer = await staff.post(f"{API}/rules/reload")
        listed = (await staff.get(f"{API}/rules")).json()

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    mistakes = answer.json()["mistakes"]
    assert {one["file"] for one in mistakes} == {"base.yaml", "doors.yaml"}
    assert any((one["line"], one["nearest"]) == (7, "equals") for one in mistakes)
    assert listed["files_differ"]
    assert listed["mistakes"] == mistakes
    assert "doors-held" in {one["rule"] for one in listed["rules"]}


async def test_who_may_not_change_rules_is_told_so(ruled: Ruled) -> None:
    for role in ("crew", "program"):
        async with ruled.caller(role) as caller:
            wishes = (
                caller.post(f"{API}/rules/reload"),
                caller.put(HELD, json={"text": "x", "base": "x"}),
                caller.post(f"{API}/overrides", json={}),
                caller.get(f"{API}/overrides"),
                caller.post(f"{HELD}/try", json={}),
            )
            for wish in wishes:
                answer = await wish
                assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


# -- editing ---------------------------------------------------------------------------------------


async def test_an_edit_changes_its_own_lines_and_no_other_byte(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        assert base.startswith("  # A door that stands open.\n  - rule: doors-held")
        text = base.replace("hold_for: 10m ", "hold_for: 20m ").replace("{10m:", "{20m:")
        answer = await staff.put(HELD, json={"text": text, "base": base})
        whole = (await staff.get(HELD)).json()

    assert answer.status_code == 200, answer.text
    assert answer.json()["diff"]["changed"] == ["doors-held"]
    assert ruled.read() == DOORS.replace("hold_for: 10m ", "hold_for: 20m ").replace(
        "{10m:", "{20m:"
    )
    [edit] = whole["edits"]
    assert (edit["by"], edit["file"]) == ("staff-own", "doors.yaml")
    assert "-    hold_for: 10m   # people carry furniture" in edit["diff"]
    assert whole["text"] == text


async def test_line_ends_and_the_mark_of_a_windows_editor_stay(ruled: Ruled) -> None:
    windows = "\ufeff" + DOORS.replace("\n", "\r\n")
    ruled.write("doors.yaml", windows)
    async with ruled.caller() as staff:
        base = (await own_lines(staff)).replace("\r\n", "\n")  # as a browser gives it back
        text = base.replace("en: Door held", "en: Door left open")
        answer = await staff.put(HELD, json={"text": text, "base": base})

    assert answer.status_code == 200, answer.text
    assert answer.json()["diff"]["reworded"] == ["doors-held"]
    assert ruled.read() == windows.replace("en: Door held", "en: Door left open")


async def test_a_mistake_is_shown_with_its_line_and_nothing_is_saved(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        wish = {"text": base.replace("severity: warning", "severity: warnin"), "base": base}
        checked = (await staff.post(f"{HELD}/check", json={"text": wish["text"]})).json()
        answer = await staff.put(HELD, json=wish)

    [mistake] = checked["mistakes"]
    assert base.splitlines()[mistake["block_line"] - 1].strip() == "severity: warning"
    assert mistake["nearest"] == "warning"
    assert answer.status_code == 422
    assert answer.json()["mistakes"] == [mistake]
    assert ruled.read() == DOORS


@pytest.mark.parametrize(
    "text", ["", "nonsense", "  - rule: [", "rules: []", "  - rule: other-name\n    when: 1\n"]
)
async def test_whatever_is_written_there_is_a_mistake_and_no_bug(ruled: Ruled, text: str) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        answer = await staff.put(HELD, json={"text": text, "base": base})
        checked = await staff.post(f"{HELD}/check", json={"text": text})

    assert answer.status_code == 422, answer.text
    assert checked.status_code in (200, 422)
    assert ruled.read() == DOORS


async def test_a_rule_whose_own_tests_fail_is_saved_only_on_purpose(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        text = base.replace("hold_for: 10m ", "hold_for: 20m ")
        answer = await staff.put(HELD, json={"text": text, "base": base})
        assert ruled.read() == DOORS
        wish = {"text": text, "base": base, "although_tests_fail": True}
        saved = await staff.put(HELD, json=wish)

    assert (answer.status_code, answer.json()["code"]) == (422, "tests_fail")
    [failed] = answer.json()["tests"]
    assert "20m: {d1: opens}" in " ".join(failed["differences"])
    assert saved.status_code == 200
    assert "hold_for: 20m " in ruled.read()


async def test_who_was_second_gets_the_others_change(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        ruled.write("doors.yaml", DOORS.replace("en: Door held", "en: Somebody else's"))
        answer = await staff.put(HELD, json={"text": base, "base": base})

    assert (answer.status_code, answer.json()["code"]) == (409, "changed_since")
    assert "+    title: {zh: 门未关, en: Somebody else's}" in answer.json()["diff"]


async def test_another_rule_of_the_file_may_be_changed_by_another_meanwhile(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        ruled.write(
            "doors.yaml",
            DOORS.replace("still_for: 24h", "still_for: 30h")
            .replace("24h1m", "30h1m")
            .replace("until: 25h", "until: 31h"),
        )
        text = base.replace("en: Door held", "en: Door left open")
        answer = await staff.put(HELD, json={"text": text, "base": base})

    assert answer.status_code == 200, answer.text
    assert answer.json()["diff"] == {
        "added": [], "changed": ["no-door"], "removed": [], "reworded": ["doors-held"]
    }  # fmt: skip


async def test_an_edit_is_taken_back_and_that_too(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        base = await own_lines(staff)
        text = base.replace("en: Door held", "en: Door left open")
        await staff.put(HELD, json={"text": text, "base": base})
        edited = ruled.read()
        for expected in (DOORS, edited):
            [edit, *_] = (await staff.get(HELD)).json()["edits"]
            answer = await staff.post(f"{HELD}/undo", json={"edit": edit["id"]})
            assert answer.status_code == 200, answer.text
            assert ruled.read() == expected
        old = (await staff.get(HELD)).json()["edits"][1]["id"]
        late = await staff.post(f"{HELD}/undo", json={"edit": old})

    assert (late.status_code, late.json()["code"]) == (409, "changed_since")


async def test_the_last_rule_that_hears_a_press_is_not_edited_away(ruled: Ruled) -> None:
    path = f"{API}/rules/emergency-press"
    async with ruled.caller() as staff:
        base = (await staff.get(path)).json()["text"]
        text = base.replace("severity: emergency", "severity: notice")
        answer = await staff.put(path, json={"text": text, "base": base})

    assert answer.status_code == 422
    assert "no rule hears a press" in answer.json()["mistakes"][0]["what"]


async def test_the_programs_own_rules_are_read_only(ruled: Ruled) -> None:
    async with ruled.caller(rules_dir="") as staff:
        path = f"{API}/rules/emergency-press"
        whole = (await staff.get(path)).json()
        wish = {"text": whole["text"], "base": whole["text"]}
        answer = await staff.put(path, json=wish)

    assert not whole["editable"]
    assert whole["text"].startswith("  - rule: emergency-press")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_editable")


# -- overrides -------------------------------------------------------------------------------------

WISH = {"rule": "no-door", "device": "d-1", "set": {"when": {"still_for": "48h"}},
        "reason": "visits her daughter", "until": "2026-03-04"}  # fmt: skip


async def test_an_override_is_given_listed_and_ends_by_itself(
    ruled: Ruled, clock: HandClock
) -> None:
    async with ruled.caller() as staff:
        answer = await staff.post(f"{API}/overrides", json=WISH)
        assert answer.status_code == 200, answer.text
        [one] = (await staff.get(f"{API}/overrides")).json()["overrides"]
        clock.at_ms = one["until_ms"]
        assert (await staff.get(f"{API}/overrides")).json()["overrides"] == []
        [ended] = (await staff.get(f"{API}/overrides?state=all")).json()["overrides"]

    assert (one["id"], one["source"], one["by"]) == (answer.json()["id"], "api", "staff-own")
    assert (one["device"], one["set"]) == (["d-1"], {"when": {"still_for": "48h"}})
    assert one["until_ms"] == 1_772_640_000_000  # midnight after the 4th, in Shanghai
    assert (one["state"], one["ends_soon"], ended["state"]) == ("active", True, "ended")


async def test_those_of_files_stand_in_the_same_list(ruled: Ruled) -> None:
    more = """overrides:
  - rule: doors-held
    place: b3/u1
    off: true
    reason: builders
    by: Li
    until: 2026-12-31
"""
    ruled.write("more.yaml", more)
    async with ruled.caller() as staff:
        await staff.post(f"{API}/overrides", json=WISH)
        found = (await staff.get(f"{API}/overrides")).json()["overrides"]
        ended = await staff.post(f"{API}/overrides/{found[1]['id']}/end")

    assert [(one["rule"], one["source"]) for one in found] == [
        ("no-door", "api"),
        ("doors-held", "more.yaml:2"),
    ]
    assert (ended.status_code, ended.json()["code"]) == (409, "of_a_file")


async def test_one_is_ended_once_by_whoever_does_it(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        number = (await staff.post(f"{API}/overrides", json=WISH)).json()["id"]
        first = await staff.post(f"{API}/overrides/{number}/end")
        second = await staff.post(f"{API}/overrides/{number}/end")
        [one] = (await staff.get(f"{API}/overrides?state=all")).json()["overrides"]

    assert (first.status_code, second.status_code) == (200, 409)
    assert (one["state"], one["ended_by"]) == ("ended", "staff-own")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"reason": " "}, "reason", "Say why."),
        ({"until": ""}, "until", "Say until when"),
        ({"until": "2026-02-01"}, "until", "passed already"),
        ({"until": "2036-02-01"}, "until", "At most 400 days"),
        ({"device": None}, "device", "for which device"),
        ({"device": "d-2"}, "device", "Did you mean d-1?"),
        ({"device": None, "resident": "r-9"}, "resident", "Did you mean r-"),
        ({"rule": "no-dor"}, "rule", "Did you mean no-door?"),
        (
            {"rule": "emergency-press", "device": "b-0", "set": None, "off": True},
            "off",
            "emergency",
        ),
        ({"set": {"when": {"still_for": "nonsense"}}}, "set", ""),
        ({"set": {"holdfor": "1m"}}, "set", "hold_for"),
        ({"off": True}, "", "either set or off"),
    ],
)
async def test_an_override_that_makes_no_sense_is_refused_with_the_field(
    ruled: Ruled, change: dict[str, Any], field: str, words: str
) -> None:
    async with ruled.caller() as staff:
        answer = await staff.post(f"{API}/overrides", json=WISH | change)
        found = (await staff.get(f"{API}/overrides?state=all")).json()["overrides"]

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert field in {one["field"] for one in body["errors"]} or not field
    assert words in body["detail"]
    assert body["reason_zh"]
    assert found == []


async def test_pages_of_rules_and_devices_are_made_in_both_languages(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        await staff.post(f"{API}/overrides", json=WISH)
        base = await own_lines(staff)
        await staff.put(HELD, json={"text": base.replace("en: Door held", "en: X"), "base": base})
        for path in ("/rules", "/rules/doors-held", "/rules/no-door", "/d/d-1"):
            for language in ("zh", "en"):
                page = await staff.get(path, headers={"Accept-Language": language})
                assert page.status_code == 200, page.text
        assert "ends in 3 days" in page.text
        assert "visits her daughter" in page.text


# -- trying ----------------------------------------------------------------------------------------


async def test_one_trial_at_a_time_which_can_be_stopped(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        first = await staff.post(f"{HELD}/try", json={})
        second = await staff.post(f"{HELD}/try", json={})
        path = f"{API}/rules/trials/{first.json()['id']}"
        stopped = await staff.delete(path)
        later = await staff.get(path)

    assert (first.status_code, first.json()["state"]) == (202, "running")
    assert (second.status_code, second.json()["code"]) == (429, "trials_busy")
    assert second.headers["retry-after"]
    assert (stopped.json()["state"], later.json()["state"]) == ("stopped", "stopped")
    assert list(ruled.settings.data_dir.glob("trial-*")) == []


async def test_a_trial_of_what_is_wrong_is_refused(ruled: Ruled) -> None:
    async with ruled.caller() as staff:
        wrong = await staff.post(f"{HELD}/try", json={"text": "  - rule: doors-held\n"})
        long = await staff.post(f"{HELD}/try", json={"days": 400})
        unknown = await staff.get(f"{API}/rules/trials/nothing")

    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_rules")
    assert (long.status_code, unknown.status_code) == (422, 404)


async def test_a_trial_that_takes_too_long_is_ended_and_says_so(ruled: Ruled) -> None:
    async with ruled.caller(rule_trial_s_max=0.001) as staff:
        begun = (await staff.post(f"{HELD}/try", json={})).json()
        found = begun
        while found["state"] == "running":
            found = (await staff.get(f"{API}/rules/trials/{begun['id']}")).json()

    assert found["state"] == "failed"
    assert "HUB_RULE_TRIAL_S_MAX" in found["why"]
