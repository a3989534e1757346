"""`reelgraph doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json as jsonlib
from typing import Final

import typer
from rich.text import Text

from reelgraph.cli.options import JsonOption
from reelgraph.cli.rendering import plain_table
from reelgraph.cli.terminal import show_table

__all__ = ["doctor"]

STYLES: Final = {"ok": "green", "missing": "yellow", "broken": "bold red"}


def doctor(json: JsonOption = False) -> None:
    """Check this installation and say what to do about what is missing.

    The exit code is 0 unless something the core needs is broken, then 1.

    [bold]Examples[/bold]
      reelgraph doctor
      reelgraph doctor --json | jq '.[] | select(.state != "ok")'
    """
    from reelgraph.cli.checks import run_checks

    checks = list(run_checks())
    if json:
        typer.echo(jsonlib.dumps([check.model_dump() for check in checks], indent=2))
    else:
        table = plain_table("State", "Subject", "Finding")
        for check in checks:
            finding = Text(check.detail)
            if check.fix:
                finding.append(f"\n-> {check.fix}", style="cyan")
            table.add_row(Text(check.state, style=STYLES[check.state]), check.subject, finding)
        show_table(table)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)
