"""Files: every format by name and by the ending of its files."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from reelgraph.errors import GraphFormatError, QueryError
from reelgraph.graph.schema import SceneGraph

__all__ = ["FORMATS", "FileFormat", "format_of", "read_graph", "write_graph"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format that scene graphs are kept in.

    Attributes:
        name: What it is asked for by; its functions carry the name too.
        endings: Of its files, where the ending alone tells the format.
        reads: Whether graphs are read from it.
        writes: Whether graphs are written to it.
        module: Where its functions are, if not in a module of its name.
    """

    name: str
    endings: tuple[str, ...] = ()
    reads: bool = True
    writes: bool = True
    module: str = ""

    @property
    def reader(self) -> Callable[..., SceneGraph]:
        """The function that reads a file: ``(path, **options) -> SceneGraph``."""
        function: Callable[..., SceneGraph] = getattr(self._module, f"read_{self.name}")
        return function

    @property
    def writer(self) -> Callable[..., None]:
        """The function that writes a file: ``(document, path, **options) -> None``."""
        function: Callable[..., None] = getattr(self._module, f"write_{self.name}")
        return function

    @property
    def _module(self) -> object:
        return import_module(f"reelgraph.graph.formats.{self.module or self.name}")


FORMATS = {
    item.name: item
    for item in (
        FileFormat("json", (".json",), module="document"),
        FileFormat("traser"),
        FileFormat("svg2"),
        FileFormat("pvsg"),
        FileFormat("vidvrd"),
        FileFormat("vidstg"),
        FileFormat("action_genome", writes=False),
        FileFormat("graphml", (".graphml",)),
        FileFormat("node_link"),
        FileFormat("dot", (".dot", ".gv"), reads=False),
        FileFormat("table", (".parquet", ".arrow", ".feather")),
    )
}
"""The formats by name."""


def format_of(path: str | Path, name: str | None = None) -> FileFormat:
    """Return the format that is named, or else that a file's ending tells, or else JSON.

    Raises:
        QueryError: If no format has that name.
    """
    if name is None:
        ending = Path(path).suffix.lower()
        fitting = (item for item in FORMATS.values() if ending in item.endings)
        return next(fitting, FORMATS["json"])
    try:
        return FORMATS[name.replace("-", "_")]
    except KeyError:
        known = tuple(FORMATS)
        raise QueryError(
            f"no format is called {name!r}; there are {', '.join(known)}",
            choices=tuple(difflib.get_close_matches(name, known)) or known,
        ) from None


def read_graph(path: str | Path, name: str | None = None, **options: Any) -> SceneGraph:
    """Return the scene graph in a file.

    Args:
        path: The file.
        name: Of the format; by default what the ending tells, else JSON.
        **options: What the format's reader takes besides, e.g. ``fps`` or ``video_id``.

    Raises:
        QueryError: If no format has that name.
        GraphFormatError: If graphs are not read from it, or the file is not one.
    """
    found = format_of(path, name)
    if not found.reads:
        raise GraphFormatError(f"{str(path)!r}: graphs are written as {found.name}, not read")
    return found.reader(path, **options)


def write_graph(document: SceneGraph, path: str | Path, name: str | None = None) -> None:
    """Write a scene graph; the file appears complete or not at all.

    Args:
        document: What to write.
        path: The file.
        name: Of the format; by default what the ending tells, else JSON.

    Raises:
        QueryError: If no format has that name.
        GraphFormatError: If graphs are not written in it, or the file cannot be written.
    """
    found = format_of(path, name)
    if not found.writes:
        raise GraphFormatError(f"{str(path)!r}: graphs are read from {found.name}, not written")
    try:
        found.writer(document, path)
    except OSError as error:
        raise GraphFormatError(f"Cannot write {str(path)!r}: {error}") from error
