"""Response plans: who was told by which step, who is signed on, what a case was handed over to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for column in (
        sa.Column("handed_to", sa.String(), nullable=True),
        sa.Column("handed_at_ms", sa.Integer(), nullable=True),
        sa.Column("cancelled_at_ms", sa.Integer(), nullable=True),
        sa.Column("muted", sa.String(), nullable=True),
    ):
        op.add_column("cases", column)
    op.add_column("notices", sa.Column("recipient", sa.String(), nullable=True))
    op.add_column("notices", sa.Column("address", sa.String(), nullable=True))
    op.add_column("notices", sa.Column("ways_json", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("note", sa.String(), nullable=True))
    op.add_column("notices", sa.Column("answer_seq", sa.Integer(), nullable=True))
    op.create_table(
        "escalations",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("grid", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("ended_ms", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("shifts_until", "shifts", ["until_ms"], unique=False)
    op.add_column("users", sa.Column("pin_hash", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("shift", sa.Integer(), nullable=True))
    op.create_table(
        "rota",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("grid", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("instead_of", sa.String(), nullable=True),
        sa.Column("absent_reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("changed_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("rota_since", "rota", ["since_ms"], unique=False)
    op.create_table(
        "own_words",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("part"),
    )
    op.create_table(
        "out_of_service",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
