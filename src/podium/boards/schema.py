"""Tables of the board's database."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from podium.boards.record import PARTS


class Json(sa.TypeDecorator[Any]):
    """JSON as text: order, NaN and NUL are the same in every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:  # noqa: ARG002
        """As text."""
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """As values."""
        return json.loads(value or "null")


SCHEMA = sa.MetaData()


def _record_columns() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.Text, nullable=False),
        sa.Column("competition", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("file", sa.Text),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("provenance", Json, nullable=False),
        sa.Column("public", Json, nullable=False),
        sa.Column("private", Json, nullable=False),
        sa.Column("all", Json, nullable=False),
        sa.Column("public_influence", sa.LargeBinary, nullable=False),
        sa.Column("private_influence", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("submission", "edition"),
    ]


RECORDS = sa.Table(
    "records",
    SCHEMA,
    *_record_columns(),
    sa.Index("board", "competition", "dataset", "edition"),
    sa.Index("arrivals", "competition", "dataset", "number"),
)
CLAIMS = sa.Table(
    "claims",
    SCHEMA,
    *_record_columns(),
    sa.Index("claimed_board", "competition", "dataset", "edition"),
    sa.Index("claimed_arrivals", "competition", "dataset", "number"),
)
WITHDRAWALS = sa.Table(
    "withdrawals",
    SCHEMA,
    sa.Column("submission", sa.Text, primary_key=True),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
REVEALS = sa.Table(
    "reveals",
    SCHEMA,
    sa.Column("competition", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
SCORES = sa.Table(
    "scores",
    SCHEMA,
    sa.Column("claimed", sa.Boolean, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("score", sa.Text, primary_key=True),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    *(sa.Column(part, sa.Double) for part in PARTS),
    sa.Index("scored_board", "competition", "dataset", "score", "claimed", "number"),
)
"""What ranks the records and claims, a few bytes each: an index, which the board makes itself."""
HAS_RECORD = sa.exists().where(
    RECORDS.c.submission == CLAIMS.c.submission, RECORDS.c.edition == CLAIMS.c.edition
)
