"""Wall screens: the browser that each token belongs to, and what each said of itself last."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"

_TEXTS = ("key_hash", "page", "edition", "size", "refused_by")
_NUMBERS = ("bound_ms", "heard_ms", "shown_ms", "data_ms", "frozen_ms", "refused_ms")


def upgrade() -> None:
    op.create_table(
        "screens",
        sa.Column("name", sa.String(), nullable=False),
        *(sa.Column(name, sa.String()) for name in _TEXTS),
        *(sa.Column(name, sa.Integer()) for name in _NUMBERS),
        sa.Column("live", sa.Boolean()),
        sa.PrimaryKeyConstraint("name"),
    )
