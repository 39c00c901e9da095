"""Work orders: what proves them, acts of phones, photos, inspections, rounds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for column in (
        sa.Column("priority", sa.Integer()),
        sa.Column("trouble", sa.String()),
        sa.Column("depends", sa.String()),
        sa.Column("work_since_ms", sa.Integer()),
        sa.Column("work_seq", sa.Integer()),
        sa.Column("work_base", sa.Float()),
        sa.Column("done_at_ms", sa.Integer()),
        sa.Column("done_by", sa.String()),
        sa.Column("done_phone", sa.String()),
        sa.Column("shown_at_ms", sa.Integer()),
        sa.Column("shown", sa.String()),
        sa.Column("proof_until_ms", sa.Integer()),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("cases", column)
    op.create_table(
        "client_acts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("client_acts_at", "client_acts", ["at_ms"], unique=False)
    op.create_table(
        "photos",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("photos_at", "photos", ["at_ms"], unique=False)
    op.create_table(
        "inspections_done",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("made_at_ms", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("answers_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(
        "inspections_done_of", "inspections_done", ["inspection", "subject", "day"], unique=False
    )
    op.create_table(
        "inspections_known",
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("inspection"),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grid", sa.String(), nullable=True),
        sa.Column("ground", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("started_ms", sa.Integer(), nullable=False),
        sa.Column("ended_ms", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("stops_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rounds_started", "rounds", ["started_ms"], unique=False)
