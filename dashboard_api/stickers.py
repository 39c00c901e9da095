"""Labels with a QR code for devices: which sheets there are, which devices, how they lie on paper.

The figures of the sheets are data with their source; the page's measures are made from them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import segno

from dashboard_api.queries import Row
from hub.natural import natural

A4_WIDTH_MM, A4_HEIGHT_MM = 210.0, 297.0
QUIET_MODULES = 4  # white around a QR code, by ISO/IEC 18004
EDGE_MM = 3.0  # what printers cannot reach, and where a cut may be off


class Sheet(NamedTuple):
    """A sheet of labels on A4, in mm; `across_mm` and `down_mm` from a label's edge to the next."""

    name: str
    columns: int
    rows: int
    width_mm: float
    height_mm: float
    left_mm: float
    top_mm: float
    across_mm: float
    down_mm: float
    source: str

    @property
    def labels(self) -> int:
        """How many."""
        return self.columns * self.rows


# 70 × 37 fills the paper's width; what eight rows leave of its height lies above and below.
SHEETS = {
    sheet.name: sheet
    for sheet in (
        Sheet(
            *("70x37", 3, 8, 70.0, 37.0, 0.0, 0.5, 70.0, 37.0),
            "70 × 37 mm, 24 on A4 (Avery Zweckform 3474, HERMA 4464 and others); "
            "the margins are computed",
        ),
        Sheet(
            *("63x34", 3, 8, 63.5, 33.9, 7.25, 12.9, 66.0, 33.9),
            "63.5 × 33.9 mm, 24 on A4 (Avery L7159 and others), as printed by Label Planet "
            "for its LP24/63",
        ),
    )
}
STANDARD = "70x37"


class Sticker(NamedTuple):
    """What stands on one label. `svg`: the code, drawn; `link`: what it says."""

    code: str
    link: str
    svg: str
    device: Row


def chosen(rows: Sequence[Row], building: str, ids: Sequence[str]) -> list[Row]:
    """Devices of a building (all: empty), or only those of `ids`, in the order of a walk."""
    kept = [row for row in rows if not building or _building(row) == building]
    if ids:
        wanted = set(ids)
        kept = [row for row in kept if row["id"] in wanted]
    return sorted(kept, key=lambda row: (row["grid"] or "~", natural(_where(row)), row["id"]))


def _where(row: Row) -> str | None:
    where: str | None = row["place"] or row["ground"]
    return where


def _building(row: Row) -> str:
    return (_where(row) or "").split("/")[0]


def buildings(rows: Sequence[Row]) -> list[str]:
    """The outermost places that have a device."""
    return sorted({_building(row) for row in rows} - {""}, key=natural)


def sticker(row: Row, base_url: str) -> Sticker:
    """The label of a device that has a code."""
    link = f"{base_url.rstrip('/')}/d/{quote(row['code'])}"
    drawn = segno.make_qr(link, error="m").svg_inline(border=QUIET_MODULES, omitsize=True)
    return Sticker(row["code"], link, drawn, row)


def pages(stickers: Sequence[Sticker], sheet: Sheet, skip: int) -> list[list[Sticker | None]]:
    """Sheet by sheet; `skip` labels of the first are used already (None)."""
    cells: list[Sticker | None] = [*([None] * (skip % sheet.labels)), *stickers]
    if not stickers:
        return []
    return [cells[first : first + sheet.labels] for first in range(0, len(cells), sheet.labels)]


def style(sheet: Sheet) -> str:
    """The page's measures as a style sheet."""
    return "\n".join(_rules(sheet))


def _rules(sheet: Sheet) -> Iterator[str]:
    code_mm = min(sheet.height_mm - EDGE_MM, sheet.width_mm * 0.46)
    edge_mm = max(0.0, EDGE_MM - sheet.left_mm)
    yield "@page { size: A4 portrait; margin: 0; }"
    yield (
        f".sheet {{ width: {A4_WIDTH_MM:g}mm; height: {A4_HEIGHT_MM:g}mm; "
        f"padding: {sheet.top_mm:g}mm 0 0 {sheet.left_mm:g}mm; "
        f"grid-template-columns: repeat({sheet.columns}, {sheet.across_mm:g}mm); "
        f"grid-template-rows: repeat({sheet.rows}, {sheet.down_mm:g}mm); }}"
    )
    yield (
        f".sticker {{ width: {sheet.width_mm:g}mm; height: {sheet.height_mm:g}mm; "
        f"padding: 0 {EDGE_MM:g}mm 0 {edge_mm:g}mm; "
        f"grid-template-columns: {code_mm:g}mm minmax(0, 1fr); }}"
    )
    yield f".sticker svg {{ width: {code_mm:g}mm; height: {code_mm:g}mm; }}"


def facts(sheet: Sheet) -> dict[str, Any]:
    """A sheet as the page offers it."""
    size = f"{sheet.width_mm:g} × {sheet.height_mm:g} mm"
    return {"name": sheet.name, "size": size, "labels": sheet.labels, "source": sheet.source}
