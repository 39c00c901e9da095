"""The daily log: remarks that can only be added, test presses by day, indexes over time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INDEXES = {
    "alerts_opened": ("alerts", ["opened_heard_ms"]),
    "alerts_closed": ("alerts", ["closed_heard_ms"]),
    "cases_heard": ("cases", ["heard_at_ms"]),
    "case_log_at": ("case_log", ["at_ms"]),
    "case_log_heard": ("case_log", ["heard_ms"]),
    "notices_done": ("notices", ["state", "done_ms"]),
    "shifts_of_grid": ("shifts", ["grid", "until_ms", "since_ms", "person"]),
}


def upgrade() -> None:
    op.create_table(
        "remarks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("grid", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("remarks_day", "remarks", ["day", "grid"], unique=False)
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER remarks_no_{act.lower()} BEFORE {act} ON remarks "
            "BEGIN SELECT RAISE(ABORT, 'a remark is only ever added'); END"
        )
    op.add_column(
        "device_days",
        sa.Column("test_presses", sa.Integer(), server_default="0", nullable=False),
    )
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns, unique=False)
