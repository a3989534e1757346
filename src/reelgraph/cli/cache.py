"""`reelgraph cache`: what is kept between runs, looked at and thrown away."""

from __future__ import annotations

import json as jsonlib
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from reelgraph.cli.options import CacheOption, JsonOption, settings_from
from reelgraph.cli.rendering import human_size, plain_table, remark
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import show_table

if TYPE_CHECKING:
    from reelgraph.graph.store import GraphStore, StoreEntry

__all__ = ["app"]

SHORT_ID = 10
DAY_S = 86_400

app = typer.Typer(
    no_args_is_help=True,
    help="Look at, check and clean what is kept between runs.",
    rich_markup_mode="rich",
)


@app.command("list")
def list_entries(
    context: typer.Context, cache: CacheOption = None, json: JsonOption = False
) -> None:
    """List what is kept, oldest first.

    [bold]Examples[/bold]
      reelgraph cache list
      reelgraph cache list --json | jq 'map(.size_bytes) | add'
    """
    store = services_of(context).store(settings_from(cache=cache))
    entries = store.list()
    if json:
        typer.echo(jsonlib.dumps([_record(entry) for entry in entries], indent=2))
        return
    if entries:
        show_table(_table(entries))
    total = human_size(sum(entry.size_bytes for entry in entries))
    remark(f"{_counted(len(entries))}, {total}, in {store.root}")


@app.command()
def show(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ID", help="An id, or how it begins.")],
    cache: CacheOption = None,
) -> None:
    """Show all that is known of one entry, as JSON.

    [bold]Examples[/bold]
      reelgraph cache show 3f2a91
    """
    found = services_of(context).store(settings_from(cache=cache)).show(entry)
    typer.echo(jsonlib.dumps(_record(found), indent=2))


@app.command()
def verify(context: typer.Context, cache: CacheOption = None) -> None:
    """Check every entry against its checksum.

    The exit code is 1 if something is damaged. A damaged entry is never used:
    it is computed again when it is next needed.

    [bold]Examples[/bold]
      reelgraph cache verify
    """
    store = services_of(context).store(settings_from(cache=cache))
    damaged = store.verify()
    if not damaged:
        typer.echo(f"{_counted(len(store.list()))} checked, all sound")
        return
    for entry in damaged:
        typer.echo(f"{entry.id[:SHORT_ID]}  {entry.damage}")
    remark("Remove them: reelgraph cache gc")
    raise typer.Exit(1)


@app.command()
def gc(
    context: typer.Context,
    older_than: Annotated[
        float | None,
        typer.Option(help="Also remove entries older than this.", metavar="DAYS", min=0),
    ] = None,
    cache: CacheOption = None,
) -> None:
    """Remove what will not be used again; labels that you gave are kept.

    That is: damaged entries, those of other versions of the tools, and those of
    videos that are gone.

    [bold]Examples[/bold]
      reelgraph cache gc
      reelgraph cache gc --older-than 30
    """
    store = services_of(context).store(settings_from(cache=cache))
    age_s = None if older_than is None else older_than * DAY_S
    removed = store.gc(versions=_tool_versions(), max_age_s=age_s)
    for entry, reason in zip(removed.entries, removed.reasons, strict=True):
        typer.echo(f"{entry.id[:SHORT_ID]}  {reason}")
    remark(f"{_counted(len(removed.entries))} removed, {human_size(removed.freed_bytes)} freed")


@app.command()
def clear(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    cache: CacheOption = None,
) -> None:
    """Remove everything, labels that you gave included.

    [bold]Examples[/bold]
      reelgraph cache clear
      reelgraph cache clear --yes
    """
    store = services_of(context).store(settings_from(cache=cache))
    what = _contents(store)
    if not yes:
        typer.confirm(f"Remove {what} and all labels from {store.root}?", abort=True, err=True)
    store.clear()
    remark(f"{what} removed from {store.root}")


def _contents(store: GraphStore) -> str:
    entries = store.list()
    return f"{_counted(len(entries))} ({human_size(sum(e.size_bytes for e in entries))})"


def _counted(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _tool_versions() -> dict[str, str]:
    """Return the version of every tool that is registered here, by name."""
    from reelgraph.tools.base import GENERATORS, TRACKERS

    return {
        name: str(getattr(registry.get(name), "version", ""))
        for registry in (TRACKERS, GENERATORS)
        for name in registry.names()
    }


def _record(entry: StoreEntry) -> dict[str, object]:
    """Return an entry as JSON values."""
    return {
        "id": entry.id,
        "key": None if entry.key is None else entry.key.model_dump(mode="json"),
        "size_bytes": entry.size_bytes,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.created_s)),
        "videos": list(entry.videos),
        "damage": entry.damage,
    }


def _table(entries: list[StoreEntry]) -> Table:
    table = plain_table("Id", "What", "Size", "Stored", "Video")
    for entry in entries:
        what = f"{entry.key.stage}: {entry.key.tool}" if entry.key else f"damaged: {entry.damage}"
        stored = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.created_s))
        video = ", ".join(entry.videos) or "gone"
        table.add_row(entry.id[:SHORT_ID], what, human_size(entry.size_bytes), stored, video)
    return table
