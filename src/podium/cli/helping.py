"""How commands show their help: without the names of Python's types."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


def _without_types(parameters: Any) -> Any:
    """The parameters; an argument's own name, or a flag's, says all that its type would."""
    for parameter in parameters:
        if parameter.param_type_name == "argument" or parameter.is_flag:
            parameter.display_type_rich = lambda **_: ""
    return parameters


class Command(TyperCommand):
    """A command."""

    def get_params(self, ctx: Any) -> Any:
        """Its arguments and options, as help lists them."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """All commands together."""

    def get_params(self, ctx: Any) -> Any:
        """The options before a command, as help lists them."""
        return _without_types(super().get_params(ctx))
