"""`reelgraph tracks`: the objects of a video as masks, and drawn over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

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
    from reelgraph.progress import Progress
    from reelgraph.tools.pipeline import Pipeline
    from reelgraph.tools.sam2.prompts import ObjectPrompt

__all__ = ["MasksFormat", "tracks"]


class MasksFormat(StrEnum):
    """How masks are written."""

    TRASER = "traser"
    SVG2 = "svg2"


OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the masks here.", metavar="FILE"),
]
FormatOption: TypeAlias = Annotated[
    MasksFormat,
    typer.Option(
        help="Format of --output: traser (its mask JSON) or svg2 (its stages 2 and 3).",
        metavar="NAME",
    ),
]
PreviewOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write the video here with masks, ids and labels over it, as MP4.", metavar="FILE"
    ),
]
PointOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Follow just what is at these pixels at a time; +X,Y is on it too, -X,Y is not: "
        '"2.0:120,80 -60,40". Repeat it, once an object.',
        metavar='"SECONDS:X,Y ..."',
    ),
]
BoxOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Follow just what is in a box at a time. Repeat it, once an object.",
        metavar="SECONDS:LEFT,TOP,RIGHT,BOTTOM",
    ),
]
MaskOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Follow just what a picture's pixels that are not black cover at a time.",
        metavar="SECONDS:FILE",
    ),
]
StagesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write SVG2's files of stages 1 to 3 here; needs a run, whatever the cache holds.",
        metavar="FOLDER",
    ),
]


def tracks(
    context: typer.Context,
    video: VideoArgument,
    output: OutputOption = None,
    masks_format: FormatOption = MasksFormat.TRASER,
    preview: PreviewOption = None,
    point: PointOption = None,
    box: BoxOption = None,
    mask: MaskOption = None,
    stages: StagesOption = None,
    tracker: TrackerOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Find and follow the objects of a video, or just those that you point out.

    What you point out is followed before and after the time you give. Places are
    in pixels from the top left of the video as it is shown. Such tracks are not
    kept in the cache, so they never stand for all objects of the video. Ids count
    points, then boxes, then masks.

    [bold]Examples[/bold]
      reelgraph tracks clip.mp4
      reelgraph tracks clip.mp4 -o masks.json --preview preview.mp4
      reelgraph tracks clip.mp4 --tracker sam2 --point "2.0:120,80" --box "0:10,20,110,140"
    """
    for path in (output, preview):
        if path is not None:
            check_writable(path, read=[video])
    if preview is not None and preview.suffix.lower() != ".mp4":
        raise QueryError(f"a preview is an MP4 file; name it .mp4, not {preview.name!r}")
    settings = settings_from(
        cache=cache, tracker=tracker, generators=generator, tool_options=tool_options
    )
    prompts = _prompts(point or (), box or (), mask or ())
    pipeline = services_of(context).pipeline(settings)
    progress = progress_for(quiet=quiet)
    apart = bool(prompts) or stages is not None
    if apart:
        found = _track_apart(pipeline, video, prompts, stages, progress)
    else:
        found = pipeline.tracks(video, progress=progress)
    for warning in found.warnings:
        warn(warning)
    if output is not None:
        _write_masks(found, output, masks_format)
    if preview is not None:
        from reelgraph.tools.drawing import write_preview
        from reelgraph.tools.video import Video

        graph = None if apart else pipeline.graph(video, progress=progress)
        write_preview(Video.open(video), found, preview, graph=graph, progress=progress)
    _show(found)
    if not quiet:
        remark(pipeline.choice)


def _prompts(
    points: Sequence[str], boxes: Sequence[str], masks: Sequence[str]
) -> list[ObjectPrompt]:
    """Return what the user pointed out: points first, then boxes, then masks."""
    if not (points or boxes or masks):
        return []
    from reelgraph.tools.sam2.prompts import parse_box, parse_mask, parse_point

    kinds = ((parse_point, points), (parse_box, boxes), (parse_mask, masks))
    return [parse(text) for parse, texts in kinds for text in texts]


def _track_apart(
    pipeline: Pipeline,
    video: Path,
    prompts: Sequence[ObjectPrompt],
    stages: Path | None,
    progress: Progress,
) -> Tracks:
    """Run the tracker without the cache: for prompts, or for what it leaves on the way.

    Raises:
        QueryError: If the tracker takes no prompts.
    """
    from reelgraph.tools.sam2.tracker import Sam2Tracker
    from reelgraph.tools.video import Video

    tracker = pipeline.tracker
    if not isinstance(tracker, Sam2Tracker):
        raise QueryError(
            f"the tracker {tracker.name!r} takes no --point, --box, --mask or --stages; "
            "add --tracker sam2"
        )
    opened = Video.open(video)
    found = tracker.track(opened, prompts=prompts or None, stages=stages, progress=progress)
    notes = tuple(dict.fromkeys((*opened.warnings, *found.warnings)))
    return dataclasses.replace(found, warnings=notes)


def _write_masks(found: Tracks, output: Path, masks_format: MasksFormat) -> None:
    from reelgraph.graph.svg2_stages import write_stage_tracks
    from reelgraph.graph.track_formats import write_traser_masks

    write = write_traser_masks if masks_format is MasksFormat.TRASER else write_stage_tracks
    with replacing(output) as partial:
        write(found, partial)


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
