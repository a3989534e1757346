"""The document: our own JSON, which holds everything."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reelgraph._atomic import replacing
from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import SceneGraph

__all__ = ["read_json", "write_json"]


def write_json(document: SceneGraph, path: str | Path) -> None:
    """Write a document as JSON; the file appears complete or not at all.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(document.model_dump_json(indent=1), encoding="utf-8")


def read_json(path: str | Path) -> SceneGraph:
    """Read a document that `write_json` wrote.

    Raises:
        GraphFormatError: If the file cannot be read or is not a scene graph.
    """
    try:
        return SceneGraph.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GraphFormatError(f"Cannot read {str(path)!r}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise GraphFormatError(
            f"{str(path)!r} is not a scene graph: {place}: {first['msg']}"
        ) from error
