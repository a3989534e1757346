"""GraphML, node-link JSON and tables: what is written comes back whole."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError, MissingDependencyError
from reelgraph.graph.formats.graphml import read_graphml, write_graphml
from reelgraph.graph.formats.node_link import node_link, read_node_link, write_node_link
from reelgraph.graph.formats.nx_document import to_networkx
from reelgraph.graph.formats.table import read_table, to_table, write_table
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject, VideoInfo

VIDEO = VideoInfo(
    path="clip.mp4", sha256="ab12", duration_s=60, fps=25, frame_count=1500, resolution_wh=(64, 36)
)
HANDOVER = SceneGraph(
    video=VIDEO,
    objects=(
        SceneObject(id=1, label="person", attributes=("tall",), presence=((0.0, 9.5),)),
        SceneObject(id=2, label="person"),
        SceneObject(id=3, label="red <ball> & \\u0041 \x0b", uncertain=True, score=0.1),
    ),
    relations=(
        Relation(
            id="r1",
            subject=1,
            predicate="holds",
            object=3,
            intervals=((0.1, 2.0), (3.0, 4.5)),
            kind="contact",
            score=0.75,
            source="geometry",
        ),
        Relation(
            id="r2",
            subject=1,
            predicate="hands",
            object=3,
            recipient=2,
            intervals=((4.5, 5.0),),
            kind="event",
            source="geometry",
        ),
        Relation(
            id="r3",
            subject=2,
            predicate="enters",
            object=CAMERA,
            intervals=((2.0, 2.0),),
            kind="event",
            source="traser",
        ),
    ),
)
FORMATS = [
    pytest.param(write_graphml, read_graphml, "graph.graphml", id="graphml"),
    pytest.param(write_node_link, read_node_link, "graph.json", id="node-link"),
    pytest.param(write_table, read_table, "graph.parquet", id="parquet"),
    pytest.param(write_table, read_table, "graph.arrow", id="arrow"),
    pytest.param(write_table, read_table, "graph.feather", id="feather"),
]
Write = Callable[[SceneGraph, Path], None]
Read = Callable[..., SceneGraph]
COLUMNS = [
    *("video_sha256", "relation_id", "subject_id", "subject_label", "predicate", "object_id"),
    *("object_label", "recipient_id", "recipient_label", "start_s", "end_s", "kind", "score"),
    "source",
]


@pytest.mark.parametrize(("write", "read", "name"), FORMATS)
def test_a_written_document_is_read_back_the_same(
    tmp_path: Path, write: Write, read: Read, name: str
) -> None:
    write(HANDOVER, tmp_path / name)
    assert read(tmp_path / name) == HANDOVER


@pytest.mark.parametrize(("write", "read", "name"), FORMATS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_document_is_read_back_the_same(
    tmp_path: Path,
    documents: st.SearchStrategy[SceneGraph],
    data: st.DataObject,
    write: Write,
    read: Read,
    name: str,
) -> None:
    document = data.draw(documents)
    write(document, tmp_path / name)
    assert read(tmp_path / name) == document


@pytest.mark.parametrize(("write", "read", "name"), FORMATS)
def test_the_caller_may_name_another_video(
    tmp_path: Path, write: Write, read: Read, name: str
) -> None:
    moved = VIDEO.model_copy(update={"path": "moved.mp4"})
    write(HANDOVER, tmp_path / name)
    assert read(tmp_path / name, video=moved) == HANDOVER.model_copy(update={"video": moved})


def test_graphml_types_its_attributes(tmp_path: Path) -> None:
    write_graphml(HANDOVER, tmp_path / "graph.graphml")
    graph = nx.read_graphml(tmp_path / "graph.graphml", node_type=int, force_multigraph=True)
    node, edge = graph.nodes[3], graph.edges[1, 3, "r1"]
    assert (node["uncertain"], node["score"], edge["score"]) == (True, 0.1, 0.75)
    assert json.loads(edge["intervals"]) == [[0.1, 2.0], [3.0, 4.5]]


def test_node_link_is_what_networkx_reads() -> None:
    data = json.loads(json.dumps(node_link(HANDOVER)))
    graph = nx.node_link_graph(data, edges="edges")
    ours = to_networkx(HANDOVER)
    assert nx.utils.graphs_equal(graph, ours)
    assert graph.graph == ours.graph


@pytest.mark.parametrize("edges", ["edges", "links"])
def test_node_link_of_networkx_is_read(tmp_path: Path, edges: str) -> None:
    data = nx.node_link_data(to_networkx(HANDOVER), edges=edges)
    (tmp_path / "graph.json").write_text(json.dumps(data))
    assert read_node_link(tmp_path / "graph.json") == HANDOVER


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("nodes", {"label": 7}, r"node 1\.label: .*got 7"),
        ("nodes", {"id": "one"}, r"nodes\.0\.id: .*got 'one'"),
        ("edges", {"intervals": [[2, 1]]}, r"edge r1.*must not end before it starts"),
        ("edges", {"key": None}, r"edges\.0\.key"),
        ("edges", {"target": 9}, r"node 9\.label: Field required"),
    ],
)
def test_node_link_errors_name_the_place(
    tmp_path: Path, part: str, change: dict[str, object], message: str
) -> None:
    data = json.loads(json.dumps(node_link(HANDOVER)))
    data[part][0].update(change)
    (tmp_path / "graph.json").write_text(json.dumps(data))
    with pytest.raises(GraphFormatError, match=rf"graph\.json.*{message}"):
        read_node_link(tmp_path / "graph.json")


@pytest.mark.parametrize("part", ["nodes", "edges"])
def test_node_link_refuses_what_is_there_twice(tmp_path: Path, part: str) -> None:
    data = json.loads(json.dumps(node_link(HANDOVER)))
    data[part].append(data[part][0])
    (tmp_path / "graph.json").write_text(json.dumps(data))
    with pytest.raises(GraphFormatError, match="is there twice"):
        read_node_link(tmp_path / "graph.json")


def test_a_table_has_one_row_an_interval() -> None:
    table = to_table(HANDOVER)
    assert table.column_names == COLUMNS
    assert table["relation_id"].to_pylist() == ["r1", "r1", "r2", "r3"]
    assert table["start_s"].to_pylist() == [0.1, 3.0, 4.5, 2.0]
    assert table["recipient_label"].to_pylist() == [None, None, "person", None]
    assert table["object_label"].to_pylist()[-1] == "camera"
    assert set(table["video_sha256"].to_pylist()) == {"ab12"}
    assert to_table(HANDOVER.model_copy(update={"relations": ()})).schema == table.schema


def test_rows_taken_out_of_a_table_are_gone_and_the_rest_stays(tmp_path: Path) -> None:
    table = to_table(HANDOVER)
    pq.write_table(table.filter(pa.compute.equal(table["kind"], "event")), tmp_path / "t.parquet")
    document = read_table(tmp_path / "t.parquet")
    assert document.relations == HANDOVER.relations[1:]
    assert document.objects == HANDOVER.objects


def test_a_table_without_metadata_tells_ids_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(to_table(HANDOVER).replace_schema_metadata(None), path)
    with pytest.raises(GraphFormatError, match=r"t\.parquet.*give video="):
        read_table(path)
    document = read_table(path, video=VIDEO)
    assert document.relations == HANDOVER.relations
    assert [(item.id, item.label) for item in document.objects] == [
        (item.id, item.label) for item in HANDOVER.objects
    ]
    assert document.objects[0].presence == ()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("predicate", [1, 2, 3, 4], r"row 0\.predicate"),
        ("start_s", [9.0, 1.0, 1.0, 1.0], r"table\.relations\.0"),
        ("kind", ["odd"] * 4, r"row 0\.kind"),
        ("relation_id", ["r1", "r2", "r1", "r3"], "relation ids repeat"),
    ],
)
def test_table_errors_name_the_place(
    tmp_path: Path, column: str, values: Sequence[object], message: str
) -> None:
    table = to_table(HANDOVER)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), tmp_path / "t.parquet")
    with pytest.raises(GraphFormatError, match=rf"t\.parquet.*{message}"):
        read_table(tmp_path / "t.parquet")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pq.write_table(to_table(HANDOVER).drop_columns(["kind"]), tmp_path / "t.parquet")
    with pytest.raises(GraphFormatError, match="no column 'kind'"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["t.csv", "t"])
def test_the_suffix_says_the_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(GraphFormatError, match=r"use \.parquet, \.arrow or \.feather"):
        write_table(HANDOVER, tmp_path / name)
    with pytest.raises(GraphFormatError, match=r"use \.parquet, \.arrow or \.feather"):
        read_table(tmp_path / name)


def test_without_pyarrow_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"reelgraph\[table\]"):
        write_table(HANDOVER, tmp_path / "t.parquet")
    (tmp_path / "t.parquet").touch()
    with pytest.raises(MissingDependencyError, match=r"reelgraph\[table\]"):
        read_table(tmp_path / "t.parquet")


def test_duckdb_queries_the_parquet(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path = tmp_path / "t.parquet"
    write_table(HANDOVER, path)
    rows = duckdb.execute(
        "SELECT relation_id, sum(end_s - start_s) FROM read_parquet(?) "
        "WHERE predicate = 'holds' AND subject_label = 'person' GROUP BY ALL",
        [str(path)],
    ).fetchall()
    assert rows == [("r1", pytest.approx(3.4))]


@pytest.mark.parametrize("start", [Interval(0.0, 0.1), Interval(1 / 3, 2 / 3)])
def test_times_are_exact_in_graphml(tmp_path: Path, start: Interval) -> None:
    relation = HANDOVER.relations[1].model_copy(update={"intervals": (start,)})
    document = HANDOVER.model_copy(update={"relations": (relation,)})
    write_graphml(document, tmp_path / "graph.graphml")
    assert read_graphml(tmp_path / "graph.graphml").relations[0].intervals == (start,)
