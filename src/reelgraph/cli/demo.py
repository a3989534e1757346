"""`reelgraph demo`: the whole chain on a clip that is rendered on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelgraph.cli.options import QuietOption
from reelgraph.cli.terminal import progress_for

__all__ = ["demo"]


def demo(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write to; made if new.", metavar="FOLDER"),
    ] = Path("reelgraph-demo"),
    quiet: QuietOption = False,
) -> None:
    """Render a clip, build its graph from the pixels, ask three questions of it.

    Needs no key, no download and no GPU. Writes the clip, its graph, and the
    frames that prove the answers.

    [bold]Examples[/bold]
      reelgraph demo
      reelgraph demo --output somewhere
    """
    from reelgraph.demo import run_demo

    run_demo(output, progress=progress_for(quiet=quiet))
