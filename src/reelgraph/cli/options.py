"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from reelgraph.errors import QueryError

if TYPE_CHECKING:
    from reelgraph.settings import Settings

__all__ = [
    "CacheOption",
    "GeneratorOption",
    "JsonOption",
    "LabelOption",
    "MasksOption",
    "ModelOption",
    "QuietOption",
    "SetOption",
    "TrackerOption",
    "VideoArgument",
    "parse_labels",
    "parse_tool_options",
    "settings_from",
]

VideoArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="VIDEO", help="A video file on this machine.", show_default=False)
]
LabelOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "-l",
        metavar="ID=NAME",
        help="What an object is: --label 1=bottle. Repeat it. Kept for this video.",
    ),
]
TrackerOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--tracker", help="Who finds the objects: auto, motion, ...", metavar="NAME"),
]
ModelOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Chat model: embedded (no key, offline) or e.g. openai:gpt-5.",
        metavar="NAME",
    ),
]
MasksOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--masks",
        help="Take the objects from this TRASER mask JSON; no tracker runs.",
        metavar="FILE",
    ),
]
GeneratorOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        help="Who finds relations: auto, geometry, ... Repeat it.",
        metavar="NAME",
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TOOL.OPTION=VALUE",
        help="An option of a tool: --set motion.fps=10. Repeat it; see reelgraph tools.",
    ),
]
CacheOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder that tracks and graphs are kept in.", metavar="FOLDER"),
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress and no remarks.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_from(
    *,
    cache: Path | None,
    tracker: str | None = None,
    generators: list[str] | None = None,
    model: str | None = None,
    tool_options: list[str] | None = None,
    masks: Path | None = None,
) -> Settings:
    """Return the settings with the options that were given.

    Raises:
        QueryError: If one of ``tool_options`` is not TOOL.OPTION=VALUE, or there are two
            sources of objects.
        SettingsError: If a setting cannot be used.
    """
    from reelgraph.settings import load_settings

    if masks is not None and tracker is not None:
        raise QueryError("--masks and --tracker both say where the objects come from; give one")
    settings = load_settings(
        cache=cache,
        tracker="masks" if masks is not None else tracker,
        generators=tuple(generators or ()) or None,
        model=model,
    )
    if not tool_options and masks is None:
        return settings
    given = parse_tool_options(tool_options or [], settings.tools)
    if masks is not None:
        given["masks"] = {"file": str(masks)}
    return settings.model_copy(update={"tools": given})


def parse_tool_options(
    values: list[str], known: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Read ``motion.fps=10`` pairs; values are JSON where they can be read as such, else text.

    Args:
        values: What was written.
        known: Options that hold where ``values`` say nothing else.

    Raises:
        QueryError: If a value is not a tool, ``.``, an option, ``=`` and a value.
    """
    options = {tool: dict(kept) for tool, kept in (known or {}).items()}
    for value in values:
        place, equals, text = value.partition("=")
        tool, *path = (part.strip() for part in place.split("."))
        if not (equals and tool and path and all(path)):
            raise QueryError(f"{value!r} is not TOOL.OPTION=VALUE; write e.g. --set motion.fps=10")
        inner = options.setdefault(tool, {})
        for part in path[:-1]:
            inner[part] = dict(inner.get(part) or {})
            inner = inner[part]
        inner[path[-1]] = _value(text.strip())
    return options


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_labels(values: list[str] | None) -> dict[int, str]:
    """Read ``1=bottle`` pairs.

    Raises:
        QueryError: If a value is not an id, ``=`` and a name.
    """
    labels: dict[int, str] = {}
    for value in values or ():
        number, equals, name = value.partition("=")
        if not (equals and number.strip().isdecimal() and name.strip()):
            raise QueryError(f"{value!r} is not ID=NAME; write e.g. --label 1=bottle")
        labels[int(number)] = name.strip().lower()
    return labels
