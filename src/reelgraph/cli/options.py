"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from reelgraph.errors import QueryError

if TYPE_CHECKING:
    from reelgraph.settings import Settings

__all__ = [
    "CacheOption",
    "GeneratorOption",
    "JsonOption",
    "LabelOption",
    "QuietOption",
    "TrackerOption",
    "VideoArgument",
    "parse_labels",
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
GeneratorOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        help="Who finds relations: auto, geometry, ... Repeat it.",
        metavar="NAME",
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
) -> Settings:
    """Return the settings with the options that were given."""
    from reelgraph.settings import load_settings

    return load_settings(
        cache=cache, tracker=tracker, generators=tuple(generators or ()) or None, model=model
    )


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
