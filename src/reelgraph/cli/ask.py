"""`reelgraph ask`: a question, an answer, and what it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelgraph._atomic import check_writable
from reelgraph.cli.failures import warn_of
from reelgraph.cli.options import (
    CacheOption,
    GeneratorOption,
    JsonOption,
    LabelOption,
    MasksOption,
    ModelOption,
    QuietOption,
    SetOption,
    TrackerOption,
    VideoArgument,
    parse_labels,
    settings_from,
)
from reelgraph.cli.rendering import show_answer
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for

if TYPE_CHECKING:
    from reelgraph.agent import Answer
    from reelgraph.agent.agent import AskOptions
    from reelgraph.graph.temporal import TemporalGraph
    from reelgraph.progress import Progress
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["ask"]


def ask(
    context: typer.Context,
    video: VideoArgument,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In plain English.", show_default=False)
    ],
    choices: Annotated[
        str | None, typer.Option(help='Options to choose from: "a,b,c".', metavar="A,B,...")
    ] = None,
    choice: Annotated[
        list[str] | None, typer.Option(help="One option; repeat it.", metavar="TEXT")
    ] = None,
    model: ModelOption = None,
    during: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Only this part of the video, in seconds.", metavar="START END"),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help="Show a model that sees this many frames first.", metavar="N", min=1),
    ] = None,
    json: JsonOption = False,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Write the frames that prove the answer to this PNG.", metavar="FILE"),
    ] = None,
    label: LabelOption = None,
    tracker: TrackerOption = None,
    masks: MasksOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Answer a question about a video.

    The first question builds the graph, later ones take it from the cache.

    [bold]Examples[/bold]
      reelgraph ask clip.mp4 "Who hands the ball?"
      reelgraph ask clip.mp4 "When?" --evidence proof.png
      reelgraph ask clip.mp4 "What is taken first?" --choices "cup,bottle,ball"
      reelgraph ask clip.mp4 "How many bottles?" --label 1=bottle --label 2=bottle
      reelgraph ask clip.mp4 "Who enters?" --during 3 9 --json | jq .text
    """
    from reelgraph.agent.inputs import checked_request

    options = _options(choices, choice)
    checked_request(question, options, allow_unsupported=True)  # before any work is done
    labels = parse_labels(label)
    if evidence is not None:
        check_writable(evidence, read=[video])
    settings = settings_from(
        cache=cache,
        tracker=tracker,
        masks=masks,
        generators=generator,
        model=model,
        tool_options=tool_options,
    )
    pipeline, agent = services_of(context).both(settings)
    progress = progress_for(quiet=quiet)
    if labels:
        build_graph(pipeline, video, labels, progress)
    asked: AskOptions = {
        "choices": options,
        "during": during,
        "frames": frames or 0,
        "progress": progress,
    }
    with progress.stage("Answering"):
        answer = agent.ask(question, video, **asked)
    graph = pipeline.graph(video, progress=progress)
    warn_of(graph)
    if evidence is not None:
        _write_evidence(answer, graph, pipeline, video, evidence, progress)
    if json:
        typer.echo(answer.model_dump_json(indent=2))
    else:
        show_answer(answer, graph, video, chosen="" if quiet else pipeline.choice)


def build_graph(
    pipeline: Pipeline, video: Path, labels: dict[int, str], progress: Progress
) -> TemporalGraph:
    """Return the graph of a video, labelled as the user says."""
    graph = pipeline.graph(video, progress=progress)
    return pipeline.relabel(video, labels) if labels else graph


def _options(joined: str | None, single: list[str] | None) -> list[str] | None:
    """Return the options of a multiple-choice question, or None for an open one."""
    if joined is None and not single:
        return None
    split = [part.strip() for part in (joined or "").split(",")]
    return [option for option in split if option] + list(single or ())


def _write_evidence(
    answer: Answer,
    graph: TemporalGraph,
    pipeline: Pipeline,
    video: Path,
    path: Path,
    progress: Progress,
) -> None:
    from reelgraph.tools.drawing import Clip, object_names, write_evidence
    from reelgraph.tools.video import Video

    tracks = pipeline.tracks(video, progress=progress)
    clips = [
        Clip(item.interval, item.objects, f"{item.sentence}  [{item.relation or 'objects'}]")
        for item in answer.evidence
    ]
    with progress.stage("Drawing the evidence"):
        names = object_names(tracks, graph=graph)
        write_evidence(Video.open(video), tracks, clips, path, names=names)
