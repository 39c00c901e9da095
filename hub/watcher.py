"""What a watcher outside knows of a hub, and when it raises the alarm; time is an argument.

Four things can be wrong: the watcher's own way to the broker, the canary that does not come back,
the broker's word that the hub is gone, and the pages' word that it is not ready. Each is an alarm
when it has lasted for `within_s`, is said again every `again_s`, and once more when all is well.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

BROKER, CANARY, STATE, READY = "broker", "canary", "state", "ready"
ALARM, AGAIN, OVER = "alarm", "again", "over"
ONLINE = b"online"

# Without a way to the broker nothing else can be known by it: one alarm is enough for these.
_FOLLOWS_FROM_BROKER = frozenset((CANARY, STATE))

_WORDS = {
    BROKER: ("值守程序连不上消息服务器", "the watcher cannot reach the broker"),
    CANARY: ("自检按压没有回来，真的呼叫也可能到不了", "no canary comes back: calls may be lost"),
    STATE: ("消息服务器说中枢不在线", "the broker says that the hub is gone"),
    READY: ("中枢页面说它没有就绪", "the pages say that the hub is not ready"),
}  # fmt: skip


class Bounds(NamedTuple):
    """How often, how long. `presses`: it presses the canary itself; else it waits for the hub's."""

    every_s: float = 60.0
    within_s: float = 90.0
    again_s: float = 900.0
    presses: bool = True
    asks_ready: bool = False
    under_way_max: int = 100


class Trouble(NamedTuple):
    """One thing that is wrong, and for how long."""

    what: str
    lasts_s: float
    why: str

    @property
    def zh(self) -> str:
        """For a person, in Chinese."""
        return _with_why(_WORDS[self.what][0], self.why)

    @property
    def en(self) -> str:
        """The same in English."""
        return _with_why(_WORDS[self.what][1], self.why)


def _with_why(text: str, why: str) -> str:
    return f"{text} ({why})" if why else text


class Alarm(NamedTuple):
    """What is to be told: `alarm`, `again` or `over`. `lasts_s`: since the first trouble."""

    state: str
    troubles: tuple[Trouble, ...]
    lasts_s: float


class Watcher:
    """All that a watcher remembers. `now_s` is monotonic time."""

    def __init__(self, bounds: Bounds, now_s: float) -> None:
        self._bounds = bounds
        self._bad: dict[str, tuple[float, str]] = {BROKER: (now_s, "")}  # what: since when, why
        self._under_way: dict[str, float] = {}  # id: when it was pressed, the oldest first
        self._next_press_s = now_s
        self._answers = 0
        self._is_ready: bool | None = None
        self._began_s: float | None = None  # of the alarm that goes on
        self._said_s = now_s
        self._told: set[str] = set()
        self.last_s: float | None = None  # how long the newest answer took
        if not bounds.presses:
            self._bad[CANARY] = (now_s, "")

    # -- what it hears ---------------------------------------------------------------------------

    def connected(self) -> None:
        """The broker let it in, and it listens."""
        self._bad.pop(BROKER, None)

    def disconnected(self, why: str, now_s: float) -> None:
        """It has no way to the broker."""
        since_s, _ = self._bad.get(BROKER, (now_s, ""))
        self._bad[BROKER] = (since_s, why)

    def state_is(self, word: bytes, now_s: float) -> None:
        """The retained `hub/{site}/state`; `offline` is the hub's will."""
        if word == ONLINE:
            self._bad.pop(STATE, None)
        else:
            self._bad.setdefault(STATE, (now_s, ""))

    def ready_is(self, why_not: str | None, now_s: float) -> None:
        """What `/readyz` said: None, or why it is not ready."""
        self._is_ready = why_not is None
        if why_not is None:
            self._bad.pop(READY, None)
        else:
            self._bad[READY] = (self._bad.get(READY, (now_s, ""))[0], why_not)

    def is_time_to_press(self, now_s: float) -> bool:
        """Should it press now? Only with a way to the broker."""
        return self._bounds.presses and BROKER not in self._bad and now_s >= self._next_press_s

    def pressed(self, press_id: str, now_s: float) -> None:
        """It has pressed, or tried to."""
        self._next_press_s = now_s + self._bounds.every_s
        self._under_way[press_id] = now_s
        if len(self._under_way) > self._bounds.under_way_max:
            del self._under_way[next(iter(self._under_way))]
        self._bad.setdefault(CANARY, (now_s, ""))

    def answered(self, answer: Mapping[str, Any], now_s: float) -> None:
        """An answer on `hub/{site}/canary`: its own press's, or when it only listens anybody's."""
        if not self._bounds.presses:
            self._overheard(answer, now_s)
            return
        pressed_s = self._under_way.pop(str(answer.get("id")), None)
        if pressed_s is None or now_s - pressed_s > self._bounds.within_s:
            return  # another's, or so late that it proves the trouble
        self._answers, self.last_s = self._answers + 1, now_s - pressed_s
        later = {name: at for name, at in self._under_way.items() if at > pressed_s}
        self._under_way = later
        self._bad.pop(CANARY, None)
        if later:
            self._bad[CANARY] = (min(later.values()), "")

    def _overheard(self, answer: Mapping[str, Any], now_s: float) -> None:
        told, published = answer.get("told_ms"), answer.get("published_ms")
        if not isinstance(told, int) or not isinstance(published, int):
            return
        took_s = (told - published) / 1_000
        if took_s <= self._bounds.within_s:  # else it comes out of a backlog
            self._answers, self.last_s = self._answers + 1, took_s
            self._bad[CANARY] = (now_s, "")

    # -- what follows ----------------------------------------------------------------------------

    def troubles(self, now_s: float) -> tuple[Trouble, ...]:
        """What has been wrong for too long."""
        found = [
            Trouble(what, now_s - since_s, why)
            for what, (since_s, why) in self._bad.items()
            if now_s - since_s > self._bounds.within_s
        ]
        if any(one.what == BROKER for one in found):
            found = [one for one in found if one.what not in _FOLLOWS_FROM_BROKER]
        return tuple(found)

    def look(self, now_s: float) -> Alarm | None:
        """What is to be told now."""
        troubles = self.troubles(now_s)
        if not troubles:
            return self._end(now_s)
        lasts_s = max(one.lasts_s for one in troubles)
        news = {one.what for one in troubles} - self._told
        if self._began_s is None:
            self._began_s = now_s - lasts_s
        elif not news and now_s - self._said_s < self._bounds.again_s:
            return None
        state = ALARM if news else AGAIN
        self._said_s = now_s
        self._told |= news | (_FOLLOWS_FROM_BROKER if BROKER in news else set())
        return Alarm(state, troubles, now_s - self._began_s)

    def _end(self, now_s: float) -> Alarm | None:
        if self._began_s is None:
            return None
        began_s, self._began_s = self._began_s, None
        self._told.clear()
        return Alarm(OVER, (), now_s - began_s)

    @property
    def wrong(self) -> frozenset[str]:
        """What is wrong at this moment, for however short a time; a press under way counts."""
        return frozenset(self._bad)

    @property
    def is_proved(self) -> bool:
        """Has a canary come back since the start, with nothing wrong at this moment?"""
        wrong = set(self._bad) - ({CANARY} if not self._bounds.presses else set())
        return bool(self._answers and not wrong and (self._is_ready or not self._bounds.asks_ready))
