"""Alerts of shadow rules are written down apart, and every alert says how often it happened."""

import sqlalchemy as sa
from alembic import op

revision = "0003_shadow_alerts"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("mode", sa.String(), server_default="live", nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("alerts", column)
