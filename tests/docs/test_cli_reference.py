"""docs/cli.md says what the commands say of themselves: `scripts/docs` writes it anew."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from reelgraph import settings
from reelgraph.cli import app
from reelgraph.settings import Settings

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


def _settings() -> str:
    """What the module says of settings, and each one with its meaning."""
    prose = _prose_of_settings()
    meaning = _attributes(Settings.__doc__ or "")
    assert set(meaning) == set(Settings.model_fields)
    rows = [f"| `{name}` | `REELGRAPH_{name.upper()}` | {meaning[name]} |" for name in meaning]
    table = ["| Key | Variable | Meaning |", "|---|---|---|", *rows]
    return "\n\n".join(["## Settings", prose, "\n".join(table)])


def _prose_of_settings() -> str:
    text, _, example = (settings.__doc__ or "").partition("::\n")
    block = textwrap.dedent(example).strip()
    prose = text.strip().replace("``", "`")
    return f"{prose}:\n\n```toml\n{block}\n```"


def _attributes(docstring: str) -> dict[str, str]:
    """The attributes of a docstring with their descriptions, each on one line."""
    section = textwrap.dedent(docstring.partition("Attributes:\n")[2])
    entries = re.split(r"\n(?=\S)", section.strip())
    pairs = (entry.split(": ", maxsplit=1) for entry in entries)
    return {name: " ".join(text.split()).replace("``", "`") for name, text in pairs}


def reference() -> str:
    command = typer.main.get_command(app)
    sections = [_settings()]
    sections += [_section(path, member) for path, member in _commands(command, "reelgraph")]
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
