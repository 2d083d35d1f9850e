"""Older boards become today's, by Alembic: one file in `versions/` for each change of the tables.

A change is one transaction of a writer, so that a kill in the middle leaves the old board whole.
Alembic is imported only where there is something to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from podium.errors import BoardError, note
from podium.leaderboard import schema

HEAD = "0002"
"""The newest of `versions/`: what the tables of `schema` are."""
STAMP = "podium_schema"
"""The table with the board's version; Optuna's in the same database has Alembic's own name."""
_STAMPED = sa.table(STAMP, sa.column("version_num", sa.Text))


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables are today's.

    Raises:
        BoardError: If a newer Podium made them.
    """
    names = sa.inspect(connection).get_table_names()
    if STAMP not in names:
        return False
    stamp = connection.execute(sa.select(_STAMPED.c.version_num)).scalar()
    if stamp != HEAD and stamp not in _revisions():
        raise BoardError(
            f"A newer Podium made this board: its tables are of version {stamp}, this Podium knows "
            f"{HEAD}.",
            hint="Bring this one up to date, too: pip install --upgrade podium",
        )
    return stamp == HEAD and "records" in names


def upgrade(connection: sa.Connection) -> None:
    """Make the tables, or make those of an older board today's, in a writer's transaction."""
    if is_current(connection):  # another process was faster
        return
    names = sa.inspect(connection).get_table_names()
    if "records" not in names:
        schema.SCHEMA.create_all(connection)
        connection.execute(sa.text(f"CREATE TABLE {STAMP} (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(_STAMPED.insert().values(version_num=HEAD))
        return
    told: list[str] = []
    _migrate(connection, told)
    note(f"The board was brought up to date (tables {HEAD}): {', '.join(told)}.")


def _migrate(connection: sa.Connection, told: list[str]) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    script = _script()
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": STAMP,
            "script": script,
            "fn": lambda revision, _: script._upgrade_revs("head", revision),  # noqa: SLF001
        },
    )
    with Operations.context(context):
        context.run_migrations(told=told)


def _script() -> Any:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _revisions() -> set[str]:
    return {revision.revision for revision in _script().walk_revisions()}
