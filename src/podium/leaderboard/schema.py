"""Tables of the board's database; how older ones become these: `migrations`."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from podium.leaderboard.record import OWN, PARTS


class Json(sa.TypeDecorator[Any]):
    """JSON as text: order and NUL are the same in every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:  # noqa: ARG002
        """As text."""
        return json.dumps(value, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """As values."""
        return json.loads(value or "null")


SCHEMA = sa.MetaData()
SCORES = {part: f"{part}_score" for part in PARTS}
"""Columns of the score that ranks, by part; they are of the score that the column `score` names."""
RECORDS = sa.Table(
    "records",
    SCHEMA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
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
    sa.Column("answers", sa.Text, nullable=False, server_default=""),
    sa.Column("origin", sa.Text, nullable=False, server_default=OWN),
    sa.Column("score", sa.Text),
    *(sa.Column(name, sa.Double) for name in SCORES.values()),
    sa.UniqueConstraint("submission", "version"),
)
RANKS = ("submission", "version", "team", "kind", "created", "origin", "number")
"""What ranks a record beside its score."""
sa.Index(
    "ranking",
    # all that a ranking needs, so that no record itself is read for it
    *(RECORDS.c[name] for name in ("competition", "dataset", "score", *RANKS, *SCORES.values())),
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
    sa.Column("origin", sa.Text, nullable=False, server_default=OWN),
)
REVEALS = sa.Table(
    "reveals",
    SCHEMA,
    sa.Column("competition", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("answers", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
PICKS = sa.Table(
    "picks",
    SCHEMA,
    sa.Column("competition", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("answers", sa.Text, primary_key=True),
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("submissions", Json, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
JOURNAL = sa.Table(
    "journal",
    SCHEMA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("fact", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
)
"""What was written, in its order: see `podium.leaderboard.journal`."""
