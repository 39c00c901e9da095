"""Which press of a case is the newest: a cancel is of the presses before it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("cases", sa.Column("called_seq", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("called_at_ms", sa.Integer(), nullable=True))
