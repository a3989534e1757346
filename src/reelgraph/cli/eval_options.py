"""Options of `reelgraph eval run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "ArmsOption",
    "AtOnceOption",
    "BenchmarkArgument",
    "CaptionsOption",
    "DataOption",
    "DryRunOption",
    "FramesOption",
    "GraphTokensOption",
    "GraphsOption",
    "LimitOption",
    "NoCacheOption",
    "OutOption",
    "PriceOption",
    "RetryFailedOption",
    "RunsArgument",
    "SeedOption",
    "ShardOption",
    "SplitOption",
    "VideosOption",
]

BenchmarkArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="BENCHMARK",
        help="nextqa, nextoe, nextgqa, star, agqa, perception_test, intentqa, egoschema, "
        "mvbench, videomme, pvsg, or jsonl for your own questions.",
        show_default=False,
    ),
]
DataOption: TypeAlias = Annotated[
    Path,
    typer.Option(help="Folder or file of the questions, as their owner publishes them."),
]
ArmsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What the model is shown: none, frames, captions, graph, graph-text, truth, "
        "truth-text, joined by +; graph~drop:0.5 spoils half of a graph (drop, relabel, "
        "swap, shift, other); answers:FILE takes published answers.",
        metavar="A,B,...",
    ),
]
OutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Folder of the run, by default runs/BENCHMARK-MODEL.", metavar="FOLDER"),
]
GraphsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Graphs to evaluate, in place of the data's own: a folder with one file a video "
        "(reelgraph, TRASER, PVSG or VidVRD), or a VidSTG file.",
        metavar="PATH",
    ),
]
CaptionsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Captions: {video: {second: text}}.", metavar="FILE"),
]
VideosOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Folder with the video files.", metavar="FOLDER")
]
SplitOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Part of the data: val, test, ...", metavar="NAME")
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option(help="Ask a random sample of so many questions.", min=1)
]
SeedOption: TypeAlias = Annotated[int, typer.Option(help="Of the sample and of spoilt graphs.")]
FramesOption: TypeAlias = Annotated[
    int, typer.Option(help="How many frames an arm with frames shows.", min=1, max=64)
]
GraphTokensOption: TypeAlias = Annotated[
    int, typer.Option(help="At most so many tokens of a graph are told as text.", min=100)
]
ShardOption: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Ask only one part: 1/2 is the first of two.", metavar="K/N"),
]
AtOnceOption: TypeAlias = Annotated[
    int, typer.Option(help="Requests that wait for a provider at the same time.", min=1)
]
PriceOption: TypeAlias = Annotated[
    tuple[float, float] | None,
    typer.Option(help="Dollars for a million tokens in and out.", metavar="IN OUT"),
]
DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Only say what it would cost.")
]
RetryFailedOption: TypeAlias = Annotated[
    bool, typer.Option("--retry-failed", help="Ask again what failed.")
]
NoCacheOption: TypeAlias = Annotated[
    bool, typer.Option("--no-cache", help="Do not use or keep replies of earlier runs.")
]
RunsArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", help="A run's folder, or those of its shards.", show_default=False
    ),
]
