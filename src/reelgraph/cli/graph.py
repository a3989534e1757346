"""`reelgraph graph`: the scene graph of a video, as text, as JSON or as a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from enum import Enum
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
    MasksOption,
    QuietOption,
    SetOption,
    TrackerOption,
    VideoArgument,
    parse_labels,
    settings_from,
)
from reelgraph.cli.rendering import remark, uncertain_labels
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for
from reelgraph.errors import GraphFormatError

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["graph"]


def _write_text(found: TemporalGraph, path: Path) -> None:
    with replacing(path) as partial:
        partial.write_text(found.to_text("events") + "\n", encoding="utf-8")


def _write_json(found: TemporalGraph, path: Path) -> None:
    with replacing(path) as partial:
        partial.write_text(found.document.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _written_as(name: str) -> Callable[[TemporalGraph, Path], None]:
    """Return what writes a graph in one of the formats of `reelgraph.graph.formats`."""
    return lambda found, path: found.save(path, name)


def _write_html(found: TemporalGraph, path: Path) -> None:
    from reelgraph.graph.picture.page import write_page

    write_page(found, path)


class GraphFormat(Enum):
    """How a graph is written: the option's value, the file's ending, and who writes it."""

    TEXT = ("text", ".txt", _write_text)
    JSON = ("json", ".json", _write_json)
    HTML = ("html", ".html", _write_html)
    DOT = ("dot", ".dot", _written_as("dot"))
    GRAPHML = ("graphml", ".graphml", _written_as("graphml"))
    NODE_LINK = ("node-link", ".nodelink.json", _written_as("node_link"))
    TRASER = ("traser", ".traser.json", _written_as("traser"))
    VIDVRD = ("vidvrd", ".vidvrd.json", _written_as("vidvrd"))
    TABLE = ("table", ".parquet", _written_as("table"))

    def __init__(self, _: str, ending: str, write: Callable[[TemporalGraph, Path], None]) -> None:
        self.ending = ending
        self.write = write

    def __new__(cls, name: str, *_: object) -> GraphFormat:
        """Return a member whose value is its name on the command line."""
        member = object.__new__(cls)
        member._value_ = name
        return member


def graph(
    context: typer.Context,
    video: VideoArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file, not the screen.", metavar="FILE"),
    ] = None,
    format: Annotated[  # noqa: A002
        GraphFormat | None,
        typer.Option(help="By default what the file's ending says, else text."),
    ] = None,
    label: LabelOption = None,
    tracker: TrackerOption = None,
    masks: MasksOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show who does what to whom, and when.

    [bold]Examples[/bold]
      reelgraph graph clip.mp4
      reelgraph graph clip.mp4 -o clip.json
      reelgraph graph clip.mp4 --format html -o graph.html
      reelgraph graph clip.mp4 --label 1=bottle --label 2=hand
      reelgraph graph clip.mp4 --masks masks.json --generator traser
      reelgraph graph clip.mp4 | grep holds
    """
    labels = parse_labels(label)
    if output is not None:
        check_writable(output, read=[video, *([masks] if masks else [])])
    settings = settings_from(
        cache=cache,
        tracker=tracker,
        generators=generator,
        tool_options=tool_options,
        masks=masks,
    )
    pipeline = services_of(context).pipeline(settings)
    found = build_graph(pipeline, video, labels, progress_for(quiet=quiet))
    warn_of(found)
    chosen = format or _format_for(output)
    if output is None:
        typer.echo(_shown(found, chosen), nl=False)
    else:
        chosen.write(found, output)
    if not quiet:
        _remarks(found, pipeline.choice)


def _format_for(output: Path | None) -> GraphFormat:
    ending = output.suffix.lower() if output is not None else ""
    return next((form for form in GraphFormat if form.ending == ending), GraphFormat.TEXT)


def _shown(found: TemporalGraph, chosen: GraphFormat) -> str:
    """Return what the file would hold.

    Raises:
        GraphFormatError: If that is no text.
    """
    if chosen is GraphFormat.TABLE:
        raise GraphFormatError("a table is no text to show; write it to a file: -o graph.parquet")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"graph{chosen.ending}")
        chosen.write(found, path)
        return path.read_text(encoding="utf-8")


def _remarks(found: TemporalGraph, chosen: str) -> None:
    remark(chosen)
    guessed = uncertain_labels(found)
    if guessed:
        remark(f"{len(guessed)} labels are guesses. Correct them: --label {_an_id(guessed)}=NAME")


def _an_id(names: list[str]) -> str:
    return names[0].rpartition("#")[2]
