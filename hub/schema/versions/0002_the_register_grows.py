"""The register grows: swaps, commissioning, announcements, gateways, counters, clocks, rhythms."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("maker", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("pulses_per_use", sa.Integer(), nullable=True),
        sa.Column("cell", sa.String(), nullable=True),
        sa.Column("topic", sa.String(), nullable=True),
    ):
        op.add_column("devices", column)
    op.create_table(
        "ghosts",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("driver", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("swapped_ms", sa.Integer(), nullable=False),
        sa.Column("swapped_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("heard_ms", sa.Integer(), nullable=True),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "commissionings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("resident_id", sa.String(), nullable=True),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.Column("rssi", sa.Float(), nullable=True),
        sa.Column("snr", sa.Float(), nullable=True),
        sa.Column("lqi", sa.Float(), nullable=True),
        sa.Column("test_press_ms", sa.Integer(), nullable=True),
        sa.Column("test_press", sa.String(), nullable=True),
        sa.Column("test_delay_ms", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commissionings_device", "commissionings", ["device"], unique=False)
    op.create_table(
        "trials",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("heard_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("device"),
    )
    op.add_column("strangers", sa.Column("ignored_ms", sa.Integer(), nullable=True))
    op.add_column("strangers", sa.Column("ignored_by", sa.String(), nullable=True))
    op.create_table(
        "announcements",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("driver", sa.String(), nullable=False),
        sa.Column("document_json", sa.Text(), nullable=False),
        sa.Column("topics_json", sa.Text(), server_default="[]", nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("family", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("maker", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("guess", sa.String(), nullable=True),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "part"),
    )
    op.create_index("announcements_address", "announcements", ["address"], unique=False)
    op.create_table(
        "gateways",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ecosystem", sa.String(), nullable=False),
        sa.Column("first_ms", sa.Integer(), nullable=False),
        sa.Column("heard_ms", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("says_itself", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("rhythm_ms", sa.Integer(), nullable=True),
        sa.Column("gone_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "counters",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("point", sa.String(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device", "point"),
    )
    op.create_table(
        "lasting_calls",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("called_ms", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "chatterers",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.add_column("latest", sa.Column("time_from", sa.String(), nullable=True))
    op.create_table(
        "clocks",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("offset_ms", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=True),
        sa.Column("heard_ms", sa.Integer(), nullable=False),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "device_days",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("battery", sa.Float(), nullable=True),
        sa.Column("battery_v", sa.Float(), nullable=True),
        sa.Column("rssi_sum", sa.Float(), server_default="0", nullable=False),
        sa.Column("rssi_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("snr_sum", sa.Float(), server_default="0", nullable=False),
        sa.Column("snr_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lqi_sum", sa.Float(), server_default="0", nullable=False),
        sa.Column("lqi_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("device", "day"),
    )
    op.create_index("device_days_day", "device_days", ["day"], unique=False)
    op.create_table(
        "rhythms",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("heard_ms", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("learned_s", sa.Integer(), nullable=True),
        sa.Column("state_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "duty_phones",
        sa.Column("grid", sa.String(), nullable=False),
        sa.Column("heard_ms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("grid"),
    )
