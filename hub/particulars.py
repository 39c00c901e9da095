"""What messages say beside a notice: names of place and grid, whom to call, and the resident."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import cases, grids, places, residents
from hub.notifiers.wording import Particulars

_OF_CASE = (
    sa.select(
        places.c.name_zh.label("place_zh"),
        places.c.name_en.label("place_en"),
        grids.c.name_zh.label("grid_zh"),
        grids.c.name_en.label("grid_en"),
        grids.c.phone,
        residents.c.name.label("resident"),
        residents.c.phone.label("resident_phone"),
    )
    .select_from(cases)
    .outerjoin(places, places.c.path == cases.c.place)
    .outerjoin(grids, grids.c.id == cases.c.grid)
    .outerjoin(residents, residents.c.id == cases.c.resident_id)
)


def particulars_of(connection: Connection, case_id: str) -> Particulars:
    """Of one case; what is not known is empty."""
    row = connection.execute(_OF_CASE.where(cases.c.id == case_id)).mappings().first()
    return Particulars() if row is None else Particulars(**{k: v or "" for k, v in row.items()})
