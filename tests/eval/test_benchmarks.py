"""Benchmarks: each reads its owner's files and says where to get what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from made_benchmarks import MAKERS, OPTIONS, made_graph, nextqa_row, write_csv, write_json

from reelgraph.errors import EvalError
from reelgraph.eval.benchmarks import BENCHMARKS, Question, load_benchmark
from reelgraph.graph.schema import CAMERA


def test_every_benchmark_has_a_made_sample() -> None:
    assert sorted(MAKERS) == BENCHMARKS.names()


EXPECTED = {
    "agqa": ("YSKX3-3334", "YSKX3", "No", (), "verify"),
    "egoschema": ("bb-2", "bb-2", 3, OPTIONS, ""),
    "intentqa": ("1001_3", "1001", 2, OPTIONS, "TP&TN"),
    "jsonl": ("q1", "clip.mp4", 1, ("a dog", "a child"), "who"),
    "mvbench": ("action_antonym_0", "1.mp4", 1, ("Sit", "Run"), "action antonym"),
    "nextgqa": ("1001_3", "1001", 2, OPTIONS, "CW"),
    "nextoe": ("1001_3", "1001", "throw it", (), "DB"),
    "nextqa": ("1001_3", "1001", 1, OPTIONS, "CW"),
    "perception_test": ("video_1580_0", "video_1580", 1, ("No", "Yes", "I don't know"), "physics"),
    "pvsg": ("0004_1_8", "0004_1", 1, ("a", "b"), "TC"),
    "star": ("Interaction_T1_7", "0TXYV", 1, ("Put down.", "Drank from."), "Interaction"),
    "videomme": ("001-1", "fFjv93ACGo8", 2, ("One.", "Two.", "Three.", "Four."),
                 "Counting Problem"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_owners_form_is_read(name: str, tmp_path: Path) -> None:
    found = load_benchmark(name, MAKERS[name](tmp_path))
    first = found.questions[0]
    assert (first.id, first.video, first.answer, first.choices, first.type) == EXPECTED[name]
    assert found.name == name
    assert found.files
    assert all(len(digest) == 64 for digest in found.files.values())


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_missing_data_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=r"(github|huggingface|stanford|docs/evaluation)"):
        load_benchmark(name, tmp_path)
    with pytest.raises(EvalError, match=r"nothing at .*absent"):
        load_benchmark(name, tmp_path / "absent")


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_damaged_files_are_refused_with_their_place(name: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path)
    for path in [p for p in tmp_path.rglob("*.*") if "graphs" not in p.parts]:
        path.write_text("[1, 2]" if path.suffix != ".csv" else "x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(EvalError):
        load_benchmark(name, tmp_path)


def test_an_unknown_benchmark_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="Did you mean 'nextqa'"):
        load_benchmark("nextq", tmp_path)


def test_a_question_twice_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "val.csv", [nextqa_row("1", 1), nextqa_row("1", 1)])
    with pytest.raises(EvalError, match="'1_1' twice"):
        load_benchmark("nextqa", tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"answer": 5}, "index below 5, got '5'"),
        ({"answer": ""}, "'answer' is missing"),
        ({"question": " "}, "'question' is missing"),
        ({"a3": ""}, "'a3' is missing"),
    ],
)
def test_a_wrong_row_is_named(change: dict[str, object], problem: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "val.csv", [nextqa_row("1", 1), nextqa_row("1", 2) | change])
    with pytest.raises(EvalError, match=f"line 3 of .*{problem}"):
        load_benchmark("nextqa", tmp_path)


def test_spans_and_times_are_read(tmp_path: Path) -> None:
    grounded = load_benchmark("nextgqa", MAKERS["nextgqa"](tmp_path / "g")).questions[0]
    assert grounded.spans == ((1.2, 5.8), (7.0, 9.0))
    assert grounded.duration_s == 34
    own = load_benchmark("jsonl", MAKERS["jsonl"](tmp_path / "j")).questions
    assert own[0].spans == ((3.0, 5.2),)
    assert own[0].during == (0.0, 10.0)
    timed = load_benchmark("mvbench", MAKERS["mvbench"](tmp_path / "m")).questions
    assert [q.during for q in timed] == [None, (1.5, 4.0)]
    perceived = load_benchmark("perception_test", MAKERS["perception_test"](tmp_path / "p"))
    assert perceived.questions[0].duration_s == 30.0


def test_open_answers_have_all_their_right_texts(tmp_path: Path) -> None:
    own = load_benchmark("jsonl", MAKERS["jsonl"](tmp_path / "j")).questions[1]
    assert (own.id, own.answer, own.also_right) == ("clip_2", "ball", ("a ball",))
    further = load_benchmark("nextoe", MAKERS["nextoe"](tmp_path / "o")).questions[0]
    assert further.also_right == ("toss",)


def test_only_the_subset_of_egoschema_has_answers(tmp_path: Path) -> None:
    MAKERS["egoschema"](tmp_path)
    assert [q.id for q in load_benchmark("egoschema", tmp_path).questions] == ["bb-2"]
    full = load_benchmark("egoschema", tmp_path, split="full").questions
    assert [q.answer for q in full] == [None, 3]


def test_video_mme_is_read_from_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra table")
    import pyarrow as pa

    row = json.loads((MAKERS["videomme"](tmp_path) / "videomme.jsonl").read_text())
    (tmp_path / "videomme.jsonl").unlink()
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "test-00000-of-00001.parquet")
    assert load_benchmark("videomme", tmp_path).questions[0].answer == 2


def test_situations_of_star_become_the_graph(tmp_path: Path) -> None:
    found = load_benchmark("star", MAKERS["star"](tmp_path))
    assert found.truth is not None
    graph = found.truth.graph(found.questions[0])
    assert graph is not None
    names = {item.id: item.label for item in graph.objects} | {CAMERA: "camera"}
    said = {
        (names[r.subject], r.predicate, names[r.object]): [tuple(i) for i in r.intervals]
        for r in graph.relations
    }
    assert said == {
        ("person", "holding", "cup"): [(0.0, 1.5)],
        ("cup", "on", "table"): [(0.0, 1.5)],
        ("person", "holding a cup", "camera"): [(0.0, 1.5)],
        ("person", "drinking from", "cup"): [(1.5, 3.0)],
    }


def test_graphs_from_elsewhere_are_found_by_video(tmp_path: Path) -> None:
    MAKERS["pvsg"](tmp_path / "data")
    text = '{"objects": [{"object 1": "boy"}], "relationships": [[1, "runs", -1, [[0, 4]]]]}'
    (tmp_path / "preds").mkdir()
    (tmp_path / "preds" / "0004_1.json").write_text(text)
    found = load_benchmark("pvsg", tmp_path / "data", graphs=tmp_path / "preds")
    question = found.questions[0]
    assert found.graphs is not None
    graph = found.graphs.graph(question)
    assert graph is not None
    # TRASER counts the frames it was shown; people's graph tells how long the video is.
    assert graph.video.duration_s == 20.0
    assert graph.relations[0].end == 5.0
    other = Question(id="x", video="other", text="?", answer=0)
    assert found.graphs.graph(other) is None


@pytest.mark.parametrize("kind", ["json", "pvsg", "vidvrd"])
def test_the_format_of_a_graph_is_told_from_its_keys(kind: str, tmp_path: Path) -> None:
    from reelgraph.graph.formats.files import write_graph
    from reelgraph.graph.schema import SceneGraph

    document = SceneGraph.model_validate(made_graph("clip.mp4"))
    folder = tmp_path / "graphs"
    folder.mkdir()
    write_graph(document, folder / "1001.json", kind)
    found = load_benchmark("nextqa", MAKERS["nextqa"](tmp_path), graphs=folder)
    assert found.graphs is not None
    graph = found.graphs.graph(found.questions[0])
    assert graph is not None
    assert {item.label for item in graph.objects} >= {"child", "ball"}


def test_videos_are_found_in_folders_and_by_nextqas_map(tmp_path: Path) -> None:
    MAKERS["nextqa"](tmp_path)
    for place in ("videos/1164/4882.mp4", "videos/1001.mp4"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    found = load_benchmark("nextqa", tmp_path)
    assert found.videos is not None
    assert found.videos.path(found.questions[0]) == tmp_path / "videos" / "1001.mp4"
    write_json(tmp_path / "map_vid_vidorID.json", {"1001": "1164/4882"})
    mapped = load_benchmark("nextqa", tmp_path).videos
    assert mapped is not None
    assert mapped.path(found.questions[0]) == tmp_path / "videos" / "1164" / "4882.mp4"
    with pytest.raises(EvalError, match="no folder"):
        load_benchmark("nextqa", tmp_path, videos=tmp_path / "absent")


@pytest.mark.parametrize("told", [{"1001": {"0": "a", "10": "b"}}, {"1001": [[10, "b"], [0, "a"]]}])
def test_captions_are_read_in_order_of_time(told: object, tmp_path: Path) -> None:
    path = write_json(tmp_path / "said.json", told)
    found = load_benchmark("nextqa", MAKERS["nextqa"](tmp_path), captions=path)
    assert found.captions["1001"] == ((0.0, "a"), (10.0, "b"))
    assert "said.json" in found.files


@pytest.mark.parametrize("told", [["a"], {"1001": "a"}, {"1001": {"x": "a"}}, {"1001": 3}])
def test_captions_of_another_form_are_refused(told: object, tmp_path: Path) -> None:
    path = write_json(tmp_path / "said.json", told)
    with pytest.raises(EvalError, match="second"):
        load_benchmark("nextqa", MAKERS["nextqa"](tmp_path), captions=path)


REAL = {
    ("nextqa", "nextqa_vidor"): (2552, 294),
    ("nextgqa", "nextqa_vidor"): (1733, 293),
    ("star", "star_sample"): (4, 1),
    ("star", "star_sample/selected_examples_keyframes_dict.json"): (24, 6),
    ("intentqa", "intentqa_sample.csv"): (60, 0),
    ("pvsg", "pvsg_traser"): (39, 6),
}


@pytest.mark.parametrize(("name", "place"), sorted(REAL))
def test_real_files_are_read(name: str, place: str, data_dir: Path) -> None:
    path = data_dir / place
    if not path.exists():
        pytest.skip(f"{path} is absent")
    found = load_benchmark(name, path)
    questions, videos = REAL[name, place]
    assert len(found.questions) == questions
    assert not videos or len({q.video for q in found.questions}) == videos
    assert all(isinstance(q.answer, int) and q.answer < len(q.choices) for q in found.questions)


def test_truncated_output_of_traser_is_still_a_graph(data_dir: Path, tmp_path: Path) -> None:
    prefix = data_dir / "pvsg_traser" / "truncated" / "1025_4615486172_prefix.txt"
    if not prefix.is_file():
        pytest.skip(f"{prefix} is absent")
    MAKERS["pvsg"](tmp_path)
    (tmp_path / "preds").mkdir()
    shutil.copy(prefix, tmp_path / "preds" / "0004_1.txt")
    found = load_benchmark("pvsg", tmp_path, graphs=tmp_path / "preds")
    assert found.graphs is not None
    graph = found.graphs.graph(found.questions[0])
    assert graph is not None
    assert graph.objects
