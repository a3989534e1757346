"""`reelgraph graph`: the scene graph of a video, as text or JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelgraph._atomic import check_writable, replacing
from reelgraph.cli.ask import build_graph
from reelgraph.cli.failures import warn_of
from reelgraph.cli.options import (
    CacheOption,
    GeneratorOption,
    LabelOption,
    QuietOption,
    TrackerOption,
    VideoArgument,
    parse_labels,
    settings_from,
)
from reelgraph.cli.rendering import remark, uncertain_labels
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["graph"]


class GraphFormat(StrEnum):
    """How a graph is written."""

    TEXT = "text"
    JSON = "json"


def graph(
    context: typer.Context,
    video: VideoArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file, not the screen.", metavar="FILE"),
    ] = None,
    format: Annotated[  # noqa: A002
        GraphFormat | None,
        typer.Option(help="By default json for a file ending in .json, else text."),
    ] = None,
    label: LabelOption = None,
    tracker: TrackerOption = None,
    generator: GeneratorOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show who does what to whom, and when.

    [bold]Examples[/bold]
      reelgraph graph clip.mp4
      reelgraph graph clip.mp4 -o clip.json
      reelgraph graph clip.mp4 --label 1=bottle --label 2=hand
      reelgraph graph clip.mp4 | grep holds
    """
    labels = parse_labels(label)
    if output is not None:
        check_writable(output)
    settings = settings_from(cache=cache, tracker=tracker, generators=generator)
    pipeline = services_of(context).pipeline(settings)
    found = build_graph(pipeline, video, labels, progress_for(quiet=quiet))
    warn_of(found)
    text = _text(found, format or _format_for(output))
    if output is None:
        typer.echo(text)
    else:
        with replacing(output) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    if not quiet:
        _remarks(found, pipeline.choice)


def _format_for(output: Path | None) -> GraphFormat:
    is_json = output is not None and output.suffix.lower() == ".json"
    return GraphFormat.JSON if is_json else GraphFormat.TEXT


def _text(found: TemporalGraph, format: GraphFormat) -> str:  # noqa: A002
    if format is GraphFormat.JSON:
        return found.document.model_dump_json(indent=2)
    return found.to_text("events")


def _remarks(found: TemporalGraph, chosen: str) -> None:
    remark(chosen)
    guessed = uncertain_labels(found)
    if guessed:
        remark(f"{len(guessed)} labels are guesses. Correct them: --label {_an_id(guessed)}=NAME")


def _an_id(names: list[str]) -> str:
    return names[0].rpartition("#")[2]
