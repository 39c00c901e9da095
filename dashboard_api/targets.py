"""What people and rules are measured by: the limits of the settings, with their targets."""

from dataclasses import dataclass

from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """So many of a hundred within so long."""

    within_s: int
    percent: float


@dataclass(frozen=True, slots=True)
class Targets:
    """All of them. A field name of the figures has the limit in it: `answered_within_60_s`."""

    answer: tuple[Target, ...]
    on_site: tuple[Target, ...]
    window_s: int
    fine_calls: int
    most_calls: int
    flood_calls: int
    stale_after_s: int
    stale_alerts_max: int
    chatter_alerts: int
    chatter_within_s: int
    spares_percent: float
    rows_max: int


def targets_of(settings: Settings) -> Targets:
    """As the settings say."""
    return Targets(
        answer=_sorted(
            Target(settings.target_answer_s, settings.target_answer_percent),
            Target(settings.target_answer_late_s, settings.target_answer_late_percent),
        ),
        on_site=_sorted(
            Target(settings.target_on_site_s, settings.target_on_site_percent),
            Target(settings.target_on_site_late_s, settings.target_on_site_late_percent),
        ),
        window_s=max(1, settings.load_window_s),
        fine_calls=settings.load_fine_calls,
        most_calls=settings.load_most_calls,
        flood_calls=settings.load_flood_calls,
        stale_after_s=settings.stale_after_s,
        stale_alerts_max=settings.stale_alerts_max,
        chatter_alerts=max(2, settings.chatter_alerts),
        chatter_within_s=settings.chatter_alerts_within_s,
        spares_percent=settings.proposal_spares_percent,
        rows_max=settings.noisiest_rows_max,
    )


def _sorted(*targets: Target) -> tuple[Target, ...]:
    """The shorter limit first; of two equal ones the last."""
    by_limit = {target.within_s: target for target in targets}
    return tuple(by_limit[limit] for limit in sorted(by_limit))
