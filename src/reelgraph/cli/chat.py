"""`reelgraph chat`: question after question about a video."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer

from reelgraph.cli.failures import warn_of
from reelgraph.cli.options import (
    CacheOption,
    GeneratorOption,
    MasksOption,
    ModelOption,
    QuietOption,
    SetOption,
    TrackerOption,
    VideoArgument,
    settings_from,
)
from reelgraph.cli.rendering import remark, show_answer
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import errors_console, progress_for
from reelgraph.errors import AgentError

__all__ = ["chat"]


def chat(
    context: typer.Context,
    video: VideoArgument,
    model: ModelOption = None,
    tracker: TrackerOption = None,
    masks: MasksOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    """Ask question after question; each may follow up on the answers before it.

    An empty line, "exit" or Ctrl-D ends the conversation.

    [bold]Examples[/bold]
      reelgraph chat clip.mp4
      reelgraph chat clip.mp4 < questions.txt
    """
    settings = settings_from(
        cache=cache,
        tracker=tracker,
        masks=masks,
        generators=generator,
        model=model,
        tool_options=tool_options,
    )
    pipeline, agent = services_of(context).both(settings)
    graph = pipeline.graph(video, progress=progress_for(quiet=quiet))
    warn_of(graph)
    talk = agent.chat(video)
    for question in _questions():
        try:
            show_answer(talk.ask(question), graph, video, chosen="")
        except AgentError as error:
            # One question that cannot be answered does not end the conversation.
            errors_console().print(f"{error}", style="yellow", markup=False)
    if not quiet:
        remark(pipeline.choice)


def _questions() -> Iterator[str]:
    """Yield what the user asks, line by line, until there is no more."""
    while True:
        if sys.stdin.isatty():
            errors_console().print("? ", style="bold", end="")
        question = sys.stdin.readline().strip()
        if question.lower() in {"", "exit", "quit"}:
            return
        yield question
