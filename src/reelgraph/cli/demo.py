"""`reelgraph demo`: the whole chain on a clip that is rendered on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from reelgraph.cli.options import CacheOption, QuietOption, settings_from
from reelgraph.cli.rendering import remark, show_answer, show_question
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for, results_console

if TYPE_CHECKING:
    from reelgraph.demo import Check

__all__ = ["demo"]


def demo(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write to; made if new.", metavar="FOLDER"),
    ] = Path("reelgraph-demo"),
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Render a clip, build its graph from the pixels, ask three questions of it.

    Needs no key, no download and no GPU. Writes the clip, its graph, and the
    frames that prove the answers. Each answer is compared with what was painted
    into the clip; the exit code is 1 if one is wrong.

    [bold]Examples[/bold]
      reelgraph demo
      reelgraph demo --output somewhere
    """
    from reelgraph.demo import run_demo

    # Only tools that are in every installation: the demo is the same everywhere.
    settings = settings_from(cache=cache, tracker="motion", generators=["appearance", "geometry"])
    pipeline = services_of(context).pipeline(settings)
    result = run_demo(output, pipeline=pipeline, progress=progress_for(quiet=quiet))
    for (question, answer), check in zip(result.answers, result.checks, strict=True):
        show_question(question)
        show_answer(answer, result.graph, result.clip, chosen="")
        _show_check(check)
    if not quiet:
        remark(pipeline.choice)
        remark(f"Clip {result.clip}, graph {result.graph_file}, evidence {result.contact_sheet}")
    if not result.all_right:
        raise typer.Exit(1)


def _show_check(check: Check) -> None:
    """Say whether an answer agrees with what was painted into the clip."""
    verdict = ("right", "green") if check.right else ("wrong", "bold red")
    line = Text.assemble(verdict, f": painted is {check.expected}; found is {check.found}\n")
    results_console().print(line)
