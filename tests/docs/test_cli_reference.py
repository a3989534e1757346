"""docs/cli.md says what the commands say of themselves: `scripts/docs` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from reelgraph.cli import app

INTRODUCTION = """# The command line

Written by `scripts/docs` from the commands' own help; `reelgraph COMMAND --help` shows the same.
"""


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name, the group before its members."""
    yield path, command
    for name, member in getattr(command, "commands", {}).items():
        yield from _commands(member, f"{path} {name}")


def _prose(text: str) -> str:
    """A docstring as Markdown: indented examples become a block of shell."""
    text = re.sub(r"\[/?bold\]", "**", text)
    lines = [line.rstrip() for line in text.splitlines()]
    written: list[str] = []
    for before, line in zip(["", *lines], [*lines, ""], strict=True):
        inside, starts = before.startswith("  "), line.startswith("  ")
        if starts and not inside:
            written += ["", "```bash"]
        if inside and not starts:
            written.append("```")
        written.append(line.strip())
    return "\n".join(written).strip()


def _parameter(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar}`"
    elif parameter.metavar:
        names = f"{names} `{parameter.metavar}`"
    return f"| {names} | {parameter.help} |"


def _section(path: str, command: Any) -> str:
    parts = [f"## `{path}`", _prose(command.help or "")]
    rows = [_parameter(p) for p in command.params if p.name != "help"]
    if rows:
        parts.append("\n".join(["| Option | What it does |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def reference() -> str:
    command = typer.main.get_command(app)
    sections = [_section(path, member) for path, member in _commands(command, "reelgraph")]
    return "\n\n".join([INTRODUCTION.strip(), *sections]) + "\n"


def test_the_cli_reference_is_current(repository: Path, update_docs: bool) -> None:
    page = repository / "docs" / "cli.md"
    if update_docs:
        page.write_text(reference(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == reference(), "run scripts/docs"


def test_every_command_explains_itself_with_an_example() -> None:
    command = typer.main.get_command(app)
    for path, member in _commands(command, "reelgraph"):
        if not hasattr(member, "commands"):
            assert f"\n  {path} " in f"{member.help} ", path
            unexplained = [p for p in member.params if not getattr(p, "help", None)]
            assert not unexplained, path
