"""`reelgraph tools`: which tools there are, whether they run here, and their options."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from reelgraph.cli.rendering import plain_table
from reelgraph.cli.terminal import results_console, show_table
from reelgraph.errors import QueryError

if TYPE_CHECKING:
    from reelgraph.tools.base import ToolConfig

__all__ = ["tools"]

_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.*)$")


def tools(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the options of this tool.")
    ] = None,
) -> None:
    """List the trackers and generators, or the options of one.

    Options are set for one run with --set, or for good in reelgraph.toml.

    [bold]Examples[/bold]
      reelgraph tools
      reelgraph tools motion
      reelgraph graph clip.mp4 --set motion.fps=25
    """
    from reelgraph.tools.base import GENERATORS, TRACKERS

    kinds: dict[str, tuple[str, Any]] = {}
    for kind, registry in (("tracker", TRACKERS), ("generator", GENERATORS)):
        kinds |= {each: (kind, registry.get(each)) for each in registry.names()}
    if name is None:
        _show_tools(kinds)
    elif name in kinds:
        _show_options(name, kinds[name][1])
    else:
        raise QueryError(f"No tool is called {name!r}. Known: {', '.join(kinds)}.")


def _show_tools(kinds: dict[str, tuple[str, Any]]) -> None:
    table = plain_table("Tool", "Kind", "Runs here", "What it does")
    for name, (kind, factory) in kinds.items():
        state = factory().available()
        runs = ("yes, slowly" if state.slow else "yes") if state.ok else f"no: {state.reason}"
        summary = (inspect.getdoc(factory) or "").partition("\n")[0]
        table.add_row(name, kind, runs, summary)
    show_table(table)


def _show_options(name: str, factory: Any) -> None:
    config: type[ToolConfig] | None = getattr(factory, "config_type", None)
    if config is None or not config.model_fields:
        results_console().print(f"{name} has no options.")
        return
    table = plain_table("Option", "Default", "Meaning")
    for option, default, meaning in _options(config, name):
        table.add_row(option, default, meaning)
    show_table(table)


def _options(config: type[ToolConfig], place: str) -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every option; groups of options follow in place."""
    from pydantic import BaseModel

    rows: list[tuple[str, str, str]] = []
    meanings = _meanings(config)
    for option, field in config.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            rows += _options(type(default), f"{place}.{option}")  # type: ignore[arg-type]
        else:
            meaning = field.description or meanings.get(option, "")
            rows.append((f"{place}.{option}", str(default), meaning))
    return rows


def _meanings(config: type[ToolConfig]) -> dict[str, str]:
    """Return what the docstrings' sections "Attributes" say of each option."""
    meanings: dict[str, str] = {}
    for kind in reversed(config.__mro__):
        known = {
            name: meaning for name, meaning in _section(kind).items() if "See `" not in meaning
        }
        meanings |= known
    return meanings


def _section(kind: type[object]) -> dict[str, str]:
    _, _, section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    meanings: dict[str, str] = {}
    option = ""
    for line in section.split("\n\n")[0].splitlines():
        found = _ATTRIBUTE.match(line)
        if found:
            option = found[1]
            meanings[option] = found[2]
        elif option:
            meanings[option] += f" {line.strip()}"
    return meanings
