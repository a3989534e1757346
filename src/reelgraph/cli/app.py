"""The application: its commands, and what holds for all of them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from reelgraph.cli import ask, cache, chat, demo, doctor, eval, graph, tools, tracks  # noqa: A004
from reelgraph.cli.failures import FriendlyGroup
from reelgraph.cli.services import Services

__all__ = ["app", "main"]

app = typer.Typer(
    name="reelgraph",
    cls=FriendlyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("chat")(chat.chat)
app.command("graph")(graph.graph)
app.command("tracks")(tracks.tracks)
app.command("tools")(tools.tools)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(cache.app, name="cache")
app.add_typer(eval.app, name="eval")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reelgraph {version('reelgraph')}")
        raise typer.Exit


@app.callback()
def reelgraph(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Ask questions of a video and get answers with the frames that prove them.

    Objects are found and followed, what they do to each other is kept as a
    graph with times, and answers come from that graph. Nothing leaves this
    machine unless you choose a provider's model with --model.

    [bold]Start here[/bold]
      reelgraph demo
      reelgraph ask clip.mp4 "Who picks up the bottle?"

    Settings come from options, REELGRAPH_* variables, reelgraph.toml, defaults.
    Exit codes: 0 done, 2 something you can fix, 130 stopped with Ctrl-C, 1 a bug.
    """
    context.obj = context.obj or Services()


def main() -> None:
    """Run the command line."""
    app(prog_name="reelgraph")
