"""What the judge knows of a device besides its readings: where it is, whom it serves."""

from dataclasses import dataclass

EXPECTED_SILENCE_MS = 26 * 3_600_000  # where neither driver nor register says more


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device. `gateway` is the one it is behind; `place` a path such as `b3/u1/1204`.

    A stranger (`registered=False`) is judged only by rules of severity emergency and urgent.
    `known_since_ms`: silence of a device that was never heard counts from then; None: from the
    first entry or tick after it became known.
    """

    id: str
    family: str
    driver: str = ""
    place: str | None = None
    place_zh: str | None = None
    place_en: str | None = None
    grid: str | None = None
    ground: str | None = None
    tags: frozenset[str] = frozenset()
    resident: str | None = None
    resident_tags: frozenset[str] = frozenset()
    gateway: str | None = None
    expected_silence_ms: int = EXPECTED_SILENCE_MS
    registered: bool = True
    name_zh: str = ""
    name_en: str = ""
    known_since_ms: int | None = None
