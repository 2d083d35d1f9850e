"""What a shell completes: names of all kinds, and parameters of the model that the line names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import typer

from podium.errors import PodiumError

SAMPLERS = ("tpe", "random", "cmaes", "gp", "qmc", "nsgaii")
"""Those of `podium.tuning.samplers`, which would have a shell wait for Optuna."""


def competitions(incomplete: str) -> list[str]:
    """All competitions."""
    from podium.competition import folders

    with suppress(PodiumError, ValueError, OSError):
        return [name for name in folders.names() if name.startswith(incomplete)]
    return []


def datasets(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Datasets of the competition that the line names."""
    from podium.competition import folders

    with suppress(PodiumError, ValueError, OSError):
        (competition,) = _named(ctx)[:1]
        known = folders.load(competition).datasets
        return [(one.name, one.title) for one in known if one.name.startswith(incomplete)]
    return []


def submissions(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """IDs and names of the competition that the line names; of all where a command takes none."""
    from podium.competition import folders
    from podium.leaderboard import naming
    from podium.leaderboard.board import open_board

    takes = {parameter.name for parameter in ctx.command.params}
    with suppress(PodiumError, ValueError, OSError):
        board = open_board()
        competition = folders.load(_named(ctx)[0]).id if "comp" in takes else None
        return naming.beginning(board, incomplete, competition) if board.exists else []
    return []


def samplers(incomplete: str) -> list[str]:
    """Samplers of a search."""
    return [name for name in SAMPLERS if name.startswith(incomplete)]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Shipped models of the competition that the line names."""
    from podium.competition import folders

    with suppress(PodiumError, ValueError, OSError):
        (competition,) = _named(ctx)[:1]
        return [n for n in folders.load(competition).models if n.startswith(incomplete)]
    return []


def settings(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """`NAME=` of the parameters of the model that the line names, or values where these are few."""
    with suppress(PodiumError, ValueError, OSError):
        return [pair for pair in _settings(*_named(ctx)[:2]) if pair[0].startswith(incomplete)]
    return []


def _named(ctx: typer.Context) -> list[str]:
    """Competition and model, as far as they are typed; after an option they are left in `args`."""
    read = [ctx.params.get("comp"), ctx.params.get("model")]
    return [*filter(None, read), *ctx.args]


def _settings(comp: str = "", model: str = "") -> Iterator[tuple[str, str]]:
    from podium.competition import folders, model_file

    parameters = model_file.shown(folders.load(comp), model).parameters
    for name, known in parameters.items():
        yield f"{name}=", known.what or known.allowed
        single = not isinstance(known.default, list | tuple)
        choices = known.choices or (("true", "false") if isinstance(known.default, bool) else ())
        yield from ((f"{name}={choice}", known.what) for choice in choices if single)
