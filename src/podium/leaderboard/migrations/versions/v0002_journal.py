"""A journal of what was written, and where withdrawals are from.

What an older Podium wrote is entered as it is now: changes of before are not seen.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from podium.leaderboard import journal
from podium.leaderboard.record import OWN
from podium.leaderboard.schema import JOURNAL, RECORDS

revision = "0002"
down_revision = "0001"


def upgrade(told: list[str]) -> None:
    """Add a column and a table, and enter all rows; `told` says what was done."""
    connection = op.get_bind()
    names = [column["name"] for column in sa.inspect(connection).get_columns("withdrawals")]
    if "origin" not in names:
        op.add_column(
            "withdrawals", sa.Column("origin", sa.Text, nullable=False, server_default=OWN)
        )
    JOURNAL.create(connection)
    for table in journal.KEYS:
        query = table.select().order_by(*([RECORDS.c.number] if table is RECORDS else ()))
        journal.note(connection, table, connection.execute(query).mappings())
    told.append("podium verify sees from now on what is changed by hand")
