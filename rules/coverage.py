"""Coverage: can a press of this resident reach a person right now, and if not, why not?

A resident is reachable when it is *proven*: at least one button of theirs has nothing against it,
and nothing stands against the way from there to a person. Everything that is not proven is a
reason, so that a button which is silent because all is well and one which is silent because it is
broken are not taken for the same.

Pure: what is known of buttons and of the way goes in with the moment, reasons come out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# In the order in which somebody would look: the way first, then the button.
HUB_DOWN = "hub_down"
BROKER_DOWN = "broker_down"
NO_DUTY_PHONE = "no_duty_phone"
NO_BUTTON = "no_button"
NEVER_HEARD = "never_heard"
SILENT = "silent"
OFFLINE = "offline"
GATEWAY_OFFLINE = "gateway_offline"
BATTERY_FLAT = "battery_flat"
NO_TEST_PRESS = "no_test_press"
REASONS = (
    *(HUB_DOWN, BROKER_DOWN, NO_DUTY_PHONE, NO_BUTTON, NEVER_HEARD, SILENT, OFFLINE),
    *(GATEWAY_OFFLINE, BATTERY_FLAT, NO_TEST_PRESS),
)


@dataclass(frozen=True, slots=True)
class Button:
    """One button as far as it is known.

    `heard_ms` is when anything was last heard of it, None: never. `pressed_ms` is when a press of
    it, a test press or a real one, last came through; None: never. `online` is the word of its own
    will. `battery` is in percent, None where it does not say.
    """

    id: str
    expected_silence_ms: int
    heard_ms: int | None = None
    pressed_ms: int | None = None
    online: bool = True
    gateway: str | None = None
    battery: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """The way from the buttons to a person. `gone` are gateways that are offline.

    `no_phone` are the grids whose duty phone does not answer (or that have none); None among them
    stands for residents of no grid.
    """

    hub_alive: bool = True
    broker_up: bool = True
    gone: frozenset[str] = frozenset()
    no_phone: frozenset[str | None] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """Figures of practice, from the settings. `test_press_ms` 0: no test press is asked for."""

    battery_flat_percent: float
    test_press_ms: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The answer for one resident; without reasons they are reachable."""

    resident_id: str
    reasons: tuple[str, ...]
    buttons: tuple[str, ...]

    @property
    def reachable(self) -> bool:
        """Is it proven that a press reaches a person?"""
        return not self.reasons


def coverage(
    grids: Mapping[str, str | None],
    buttons: Mapping[str, Sequence[Button]],
    way: Way,
    limits: Limits,
    now_ms: int,
) -> list[Cover]:
    """Every resident (`grids`: id → grid) in the order of their ids. `buttons` are by resident."""
    return [
        cover(resident, buttons.get(resident, ()), grid, way, limits, now_ms)
        for resident, grid in sorted(grids.items())
    ]


def cover(
    resident: str,
    buttons: Sequence[Button],
    grid: str | None,
    way: Way,
    limits: Limits,
    now_ms: int,
) -> Cover:
    """One resident. One button that is proven to work is enough."""
    against = [frozenset(_of_button(button, way, limits, now_ms)) for button in buttons]
    found = set(_of_way(grid, way))
    if not buttons:
        found.add(NO_BUTTON)
    elif all(against):
        found |= frozenset().union(*against)
    reasons = tuple(reason for reason in REASONS if reason in found)
    return Cover(resident, reasons, tuple(button.id for button in buttons))


def _of_way(grid: str | None, way: Way) -> Iterable[str]:
    if not way.hub_alive:
        yield HUB_DOWN
    if not way.broker_up:
        yield BROKER_DOWN
    if grid in way.no_phone:
        yield NO_DUTY_PHONE


def _of_button(button: Button, way: Way, limits: Limits, now_ms: int) -> Iterable[str]:
    if button.heard_ms is None:
        yield NEVER_HEARD
    elif not is_within(button.expected_silence_ms, button.heard_ms, now_ms):
        yield SILENT
    if not button.online:
        yield OFFLINE
    if button.gateway is not None and button.gateway in way.gone:
        yield GATEWAY_OFFLINE
    if button.battery is not None and button.battery <= limits.battery_flat_percent:
        yield BATTERY_FLAT
    if limits.test_press_ms and not _is_tested(button, limits, now_ms):
        yield NO_TEST_PRESS


def _is_tested(button: Button, limits: Limits, now_ms: int) -> bool:
    pressed_ms = button.pressed_ms
    return pressed_ms is not None and is_within(limits.test_press_ms, pressed_ms, now_ms)


def is_within(span_ms: float, at_ms: int, now_ms: int) -> bool:
    """Is a moment so near that it still proves something?

    One that is ahead was written before the hub's clock was set back: it proves no more than one
    that is as old.
    """
    return abs(now_ms - at_ms) <= span_ms
