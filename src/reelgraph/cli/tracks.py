"""`reelgraph tracks`: the objects of a video as masks, and drawn over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelgraph._atomic import check_writable, replacing
from reelgraph.cli.failures import warn
from reelgraph.cli.options import (
    CacheOption,
    GeneratorOption,
    QuietOption,
    SetOption,
    TrackerOption,
    VideoArgument,
    settings_from,
)
from reelgraph.cli.rendering import plain_table, remark, span
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for, results_console, show_table
from reelgraph.errors import QueryError

if TYPE_CHECKING:
    from reelgraph.graph.tracks import Tracks

__all__ = ["tracks"]


def tracks(
    context: typer.Context,
    video: VideoArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the masks here, as TRASER mask JSON.", metavar="FILE"
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="Write the video here with masks, ids and labels over it, as MP4.", metavar="FILE"
        ),
    ] = None,
    tracker: TrackerOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Find and follow the objects of a video.

    [bold]Examples[/bold]
      reelgraph tracks clip.mp4
      reelgraph tracks clip.mp4 -o masks.json --preview preview.mp4
    """
    for path in (output, preview):
        if path is not None:
            check_writable(path)
    if preview is not None and preview.suffix.lower() != ".mp4":
        raise QueryError(f"a preview is an MP4 file; name it .mp4, not {preview.name!r}")
    settings = settings_from(
        cache=cache, tracker=tracker, generators=generator, tool_options=tool_options
    )
    pipeline = services_of(context).pipeline(settings)
    progress = progress_for(quiet=quiet)
    found = pipeline.tracks(video, progress=progress)
    for warning in found.warnings:
        warn(warning)
    if output is not None:
        _write_masks(found, output)
    if preview is not None:
        from reelgraph.tools.drawing import write_preview
        from reelgraph.tools.video import Video

        graph = pipeline.graph(video, progress=progress)
        write_preview(Video.open(video), found, preview, graph=graph, progress=progress)
    _show(found)
    if not quiet:
        remark(pipeline.choice)


def _write_masks(found: Tracks, output: Path) -> None:
    from reelgraph.graph.track_formats import write_traser_masks

    with replacing(output) as partial:
        write_traser_masks(found, partial)


def _show(found: Tracks) -> None:
    """Print when each object is visible."""
    console = results_console()
    if not found.objects:
        console.print("No objects found.")
        return
    table = plain_table("Object", "Frames", "Visible")
    for track in found.objects:
        visible = ", ".join(span(interval) for interval in found.presence(track.id))
        table.add_row(f"#{track.id}", str(len(track.positions)), visible)
    show_table(table)
