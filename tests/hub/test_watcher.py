"""When a watcher raises the alarm, says it again, and ends it; time is a number here."""

from typing import Any

from hub.watcher import AGAIN, ALARM, BROKER, CANARY, OVER, READY, STATE, Bounds, Watcher

OWN = Bounds(every_s=60, within_s=90, again_s=900)
LISTENS = OWN._replace(presses=False)


def answer(name: str = "", *, took_ms: int = 20) -> dict[str, Any]:
    return {"id": name, "published_ms": 1_000, "told_ms": 1_000 + took_ms}


def whats(watcher: Watcher, now_s: float) -> list[str]:
    return [one.what for one in watcher.troubles(now_s)]


def test_answers_in_time_are_no_news() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    for now in range(0, 3_600, 60):
        assert watcher.is_time_to_press(now)
        watcher.pressed(f"p{now}", now)
        assert not watcher.is_time_to_press(now + 59)
        watcher.answered(answer(f"p{now}"), now + 1)
        assert watcher.look(now + 59) is None
    assert (watcher.is_proved, watcher.last_s) == (True, 1.0)


def test_a_press_that_is_not_back_after_90_s_is_an_alarm_again_after_15_minutes_then_over() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.pressed("b", 60)
    assert watcher.look(90) is None
    first = watcher.look(91)
    assert first is not None
    assert (first.state, [one.what for one in first.troubles], first.lasts_s) == (
        ALARM,
        [CANARY],
        91,
    )
    assert watcher.look(92) is None, "once is enough"
    again = watcher.look(991)
    assert again is not None
    assert (again.state, again.lasts_s) == (AGAIN, 991)
    watcher.pressed("c", 1_000)
    watcher.answered(answer("c"), 1_001)
    over = watcher.look(1_001)
    assert over is not None
    assert (over.state, over.lasts_s) == (OVER, 1_001)
    assert watcher.look(1_002) is None


def test_an_answer_that_comes_too_late_or_to_another_proves_nothing() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.answered(answer("somebody-elses"), 1)
    watcher.answered(answer("a"), 100)
    assert whats(watcher, 101) == [CANARY]
    assert not watcher.is_proved


def test_an_answer_leaves_the_later_presses_open() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.pressed("b", 60)
    watcher.answered(answer("a"), 61)
    assert whats(watcher, 149) == []
    assert whats(watcher, 151) == [CANARY]


def test_one_who_only_listens_waits_for_the_hubs_own_and_takes_no_backlog_for_it() -> None:
    watcher = Watcher(LISTENS, 0.0)
    watcher.connected()
    assert not watcher.is_time_to_press(0)
    watcher.answered(answer("hub-1"), 60)
    watcher.answered(answer("hub-2", took_ms=90_001), 100)
    watcher.answered({"id": "hub-3"}, 100)
    assert whats(watcher, 150) == []
    assert whats(watcher, 151) == [CANARY]


def test_no_way_to_the_broker_is_one_alarm_and_no_second_one_when_it_is_back() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.disconnected("refused", 5)
    assert not watcher.is_time_to_press(60), "nobody would hear it"
    watcher.disconnected("still refused", 50)
    watcher.look(91)  # the press is missed first
    alarm = watcher.look(96)
    assert alarm is not None
    assert [(one.what, one.why) for one in alarm.troubles] == [(BROKER, "still refused")]
    assert "still refused" in alarm.troubles[0].zh
    watcher.connected()
    assert watcher.look(97) is None
    watcher.pressed("b", 97)
    watcher.answered(answer("b"), 98)
    over = watcher.look(98)
    assert over is not None
    assert over.state == OVER


def test_a_broker_that_was_never_there_is_an_alarm() -> None:
    watcher = Watcher(OWN, 0.0)
    assert whats(watcher, 90) == []
    assert whats(watcher, 91) == [BROKER]


def test_a_hub_that_starts_anew_is_none_and_one_that_stays_away_is() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.state_is(b"offline", 0)
    watcher.state_is(b"online", 30)
    assert whats(watcher, 100) == []
    watcher.state_is(b"offline", 100)
    assert whats(watcher, 191) == [STATE]


def test_pages_that_are_not_ready_are_an_alarm_of_their_own() -> None:
    watcher = Watcher(OWN._replace(asks_ready=True), 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.answered(answer("a"), 0.1)
    assert not watcher.is_proved, "the pages were not asked yet"
    watcher.ready_is("HTTP 503", 1)
    watcher.ready_is("HTTP 502", 60)
    assert [(one.what, one.why) for one in watcher.troubles(92)] == [(READY, "HTTP 502")]
    watcher.ready_is(None, 93)
    assert whats(watcher, 93) == []
    assert watcher.is_proved


def test_a_new_trouble_is_told_at_once_while_another_lasts() -> None:
    watcher = Watcher(OWN, 0.0)
    watcher.connected()
    watcher.pressed("a", 0)
    watcher.state_is(b"offline", 50)
    first, second = watcher.look(91), watcher.look(141)
    assert first is not None
    assert second is not None
    assert [one.what for one in first.troubles] == [CANARY]
    assert (second.state, {one.what for one in second.troubles}) == (ALARM, {CANARY, STATE})


def test_what_is_under_way_is_bounded() -> None:
    watcher = Watcher(OWN._replace(under_way_max=2), 0.0)
    watcher.connected()
    for number in range(5):
        watcher.pressed(f"p{number}", number)
    watcher.answered(answer("p0"), 5)
    assert not watcher.is_proved, "the oldest were forgotten, but not that one is missed"
    assert whats(watcher, 91) == [CANARY]
