"""Tables that people take along: CSV as spreadsheets of both languages open it."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from fastapi.responses import Response

_BYTE_ORDER_MARK = "\ufeff"  # by it spreadsheets know UTF-8
_SUMS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a text for a sum


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The table as a file of that name (without its ending)."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text_answer(name, text.getvalue())


def text_answer(name: str, text: str) -> Response:
    """The same of a table that is text already."""
    return Response(
        (_BYTE_ORDER_MARK + text).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def harmless(cell: object) -> object:
    """What a sender gave himself for a name is never worked out by a spreadsheet."""
    text = "" if cell is None else cell
    return f"'{text}" if isinstance(text, str) and text.startswith(_SUMS) else text
