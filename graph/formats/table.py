"""Table: relations as an Arrow table or Parquet file, for DuckDB, pandas and polars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reelgraph._atomic import replacing
from reelgraph._optional import require
from reelgraph.errors import GraphFormatError
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.schema import CAMERA, Kind, SceneGraph, SceneObject, VideoInfo

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

__all__ = ["read_table", "to_table", "write_table"]

_FIX = "Read a table that write_table() wrote, or one with the same columns"
_DOCUMENT = b"reelgraph.document"
"""Key of the schema's metadata under which the document without its relations is kept."""
_COLUMNS = {
    "video_sha256": "string",
    "relation_id": "string",
    "subject_id": "int64",
    "subject_label": "string",
    "predicate": "string",
    "object_id": "int64",
    "object_label": "string",
    "recipient_id": "int64",
    "recipient_label": "string",
    "start_s": "float64",
    "end_s": "float64",
    "kind": "string",
    "score": "float64",
    "source": "string",
}


class _Row(Form):
    relation_id: str
    subject_id: int
    subject_label: str
    predicate: str
    object_id: int
    object_label: str
    recipient_id: int | None = None
    recipient_label: str | None = None
    start_s: float
    end_s: float
    kind: Kind
    score: float | None = None
    source: str


def _pyarrow(module: str = "pyarrow") -> Any:
    require("pyarrow", extra="table", feature="the table of relations")
    return require(module, extra="table", feature="the table of relations")


def to_table(document: SceneGraph) -> pa.Table:
    """Return one row per interval of each relation, in the document's order.

    Columns are ``video_sha256``, ``relation_id``, ``subject_id``, ``subject_label``,
    ``predicate``, ``object_id``, ``object_label``, ``recipient_id``, ``recipient_label``,
    ``start_s``, ``end_s``, ``kind``, ``score`` and ``source``; the camera is object -1. The
    document's other parts (video, objects, provenance) lie as JSON in the schema's
    metadata, under ``reelgraph.document``, which Parquet and Arrow files keep.

    Raises:
        MissingDependencyError: If pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    rest = document.model_dump_json(exclude={"relations"}).encode()
    fields = [(name, getattr(pyarrow, kind)()) for name, kind in _COLUMNS.items()]
    schema = pyarrow.schema(fields, metadata={_DOCUMENT: rest})
    rows = list(zip(*_rows(document), strict=True)) or [()] * len(_COLUMNS)
    arrays = [pyarrow.array(column, kind) for column, (_, kind) in zip(rows, fields, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _rows(document: SceneGraph) -> Iterator[tuple[Any, ...]]:
    """Yield the values of each row in the order of the columns."""
    names = {CAMERA: "camera"} | {item.id: item.label for item in document.objects}
    for r in document.relations:
        who = (document.video.sha256, r.id, r.subject, names[r.subject], r.predicate)
        whom = (r.object, names[r.object], r.recipient, names.get(r.recipient or 0))
        for span in r.intervals:
            yield (*who, *whom, span.start, span.end, r.kind, r.score, r.source)


def write_table(document: SceneGraph, path: str | Path) -> None:
    """Write `to_table` as Parquet (``.parquet``) or as an Arrow file (``.arrow``, ``.feather``).

    Raises:
        GraphFormatError: If the suffix is another.
        MissingDependencyError: If pyarrow is not installed.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    _check_suffix(path)
    table = to_table(document)
    with replacing(path) as partial:
        if path.suffix == ".parquet":
            _pyarrow("pyarrow.parquet").write_table(table, partial)
        else:
            _pyarrow("pyarrow.feather").write_feather(table, str(partial))


def read_table(path: str | Path, *, video: VideoInfo | None = None) -> SceneGraph:
    """Read a table of relations.

    From a table of `write_table` the whole document comes back; if rows were taken out of
    it, what is left of the relations. If its metadata is gone (another tool wrote it
    anew), objects have only the ids and labels that relations name, presence and
    attributes are empty, and ``video`` is needed. Rows of one relation must follow each
    other.

    Args:
        path: The file, ``.parquet``, ``.arrow`` or ``.feather``.
        video: The video, if the file does not tell it or tells it wrongly.

    Raises:
        GraphFormatError: If the file cannot be read, or a column is missing or of another
            type.
        MissingDependencyError: If pyarrow is not installed.
    """
    source = SourceFile(Path(path), "table of relations", _FIX)
    table = _loaded(source)
    rows = [
        source.shaped(row, _Row, f"row {number}")
        for number, row in enumerate(table.select(list(_Row.model_fields)).to_pylist())
    ]
    rest = _rest(source, table, rows, video)
    return source.shaped({**rest, "relations": _relations(rows)}, SceneGraph, "table")


def _check_suffix(path: Path) -> None:
    if path.suffix not in {".parquet", ".arrow", ".feather"}:
        raise GraphFormatError(
            f"{str(path)!r} has the suffix {path.suffix!r}; use .parquet, .arrow or .feather"
        )


def _loaded(source: SourceFile) -> pa.Table:
    _check_suffix(source.path)
    pyarrow = _pyarrow()
    reader = pyarrow.BufferReader(source.read())
    form = _pyarrow("pyarrow.parquet" if source.path.suffix == ".parquet" else "pyarrow.feather")
    try:
        table = form.read_table(reader)
        table.validate(full=True)  # damaged text and offsets, before anything looks at them
        missing = [name for name in _Row.model_fields if name not in table.column_names]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise source.error("the whole", str(error)) from error
    if missing:
        raise source.error("columns", f"there is no column {missing[0]!r}")
    return table


def _rest(
    source: SourceFile, table: pa.Table, rows: Sequence[_Row], video: VideoInfo | None
) -> dict[str, Any]:
    """Return the document but its relations, from the metadata or as far as rows tell it."""
    kept = (table.schema.metadata or {}).get(_DOCUMENT)
    if kept is not None:
        with source.checking("metadata"):
            document = SceneGraph.model_validate_json(kept)
    elif video is not None:
        document = SceneGraph(video=video, objects=_objects(rows))
    else:
        raise source.error("metadata", "it does not tell the video; give video=")
    return {**dict(document), **({"video": video} if video else {})}


def _objects(rows: Sequence[_Row]) -> tuple[SceneObject, ...]:
    labels: dict[int, str] = {}
    for row in rows:
        labels |= {row.subject_id: row.subject_label, row.object_id: row.object_label}
        if row.recipient_id is not None:
            labels[row.recipient_id] = row.recipient_label or "object"
    return tuple(SceneObject(id=i, label=labels[i]) for i in sorted(labels) if i != CAMERA)


def _relations(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        span = (row.start_s, row.end_s)
        if found and found[-1]["id"] == row.relation_id:
            cast("list[tuple[float, float]]", found[-1]["intervals"]).append(span)
            continue
        found.append(
            {
                "id": row.relation_id,
                "subject": row.subject_id,
                "predicate": row.predicate,
                "object": row.object_id,
                "recipient": row.recipient_id,
                "intervals": [span],
                "kind": row.kind,
                "score": row.score,
                "source": row.source,
            }
        )
    return found
