"""The pipeline: right merges, nothing done twice, nothing lost, nothing served wrong."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from reelgraph.errors import QueryError, SettingsError, VideoError, VideoWarning
from reelgraph.graph.schema import CAMERA, GraphLayer, Interval, LayerObject, Relation
from reelgraph.graph.store import GraphStore
from reelgraph.tools.base import TRACKERS, Availability
from reelgraph.tools.merge import apply_labels, checked_layer, merge
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.scripted import ScriptedGenerator, ScriptedTracker
from reelgraph.tools.video import Video

WORKER = Path(__file__).with_name("pipeline_worker.py")

specification = importlib.util.spec_from_file_location("pipeline_worker", WORKER)
worker = importlib.util.module_from_spec(specification)
specification.loader.exec_module(worker)


@pytest.fixture(scope="session")
def session_clip(tmp_path_factory, make_video) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def clip(session_clip, tmp_path) -> Path:
    """A clip of this test's own, at rest long enough for the index of files."""
    path = shutil.copy(session_clip, tmp_path / "clip.mp4")
    time.sleep(0.06)
    return Path(path)


class Bench:
    """Pipelines on one store that count what their tools do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs: list[str] = []

    def tracker(self, script: str = "default") -> ScriptedTracker:
        return ScriptedTracker(self._counted("tracks", worker.find), script=script)

    def generator(self, script: str = "default", say: Callable = worker.say) -> ScriptedGenerator:
        return ScriptedGenerator(self._counted(f"layer {script}", say), script=script)

    def pipeline(self, tracker=None, generators=None) -> Pipeline:
        return Pipeline(
            tracker=tracker or self.tracker(),
            generators=generators or [self.generator()],
            store=GraphStore(self.root),
        )

    def _counted(self, name: str, play: Callable) -> Callable:
        def counted(*arguments):
            self.runs.append(name)
            return play(*arguments)

        return counted


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path / "cache")


# -------------------------------------------------------------------------- the result


def test_a_graph_from_a_file(bench, clip):
    document = bench.pipeline().graph(clip).document
    assert document.video.path == str(clip)
    assert [(o.id, o.label, o.uncertain) for o in document.objects] == [
        (1, "cup", True),
        (2, "object", True),
    ]
    assert [list(o.presence[0]) for o in document.objects] == [[0.0, 0.4], [0.2, 0.4]]
    (relation,) = document.relations
    assert (relation.id, relation.predicate, relation.source) == ("r1", "left of", "scripted")
    assert [(r.stage, r.tool, r.version, r.config) for r in document.provenance] == [
        ("tracks", "scripted", "1", {"script": "default"}),
        ("layer", "scripted", "1", {"script": "default"}),
    ]


def test_tracks_come_back_as_the_tracker_made_them(bench, clip):
    pipeline = bench.pipeline()
    for tracks in (pipeline.tracks(clip), bench.pipeline().tracks(clip)):
        expected = worker.find(Video.open(clip))
        assert tracks.video == expected.video
        assert tracks.times_s.tolist() == expected.times_s.tolist()
        assert [t.rles for t in tracks.objects] == [t.rles for t in expected.objects]
    assert bench.runs == ["tracks"]


def test_progress_reaches_the_tools(bench, clip):
    stages: list[str] = []

    class Recorder:
        def stage(self, name, total=None):
            stages.append(name)
            return NULL.stage(name, total)

    from reelgraph.progress import NullProgress

    NULL = NullProgress()  # noqa: N806
    bench.pipeline().graph(clip, progress=Recorder())
    assert stages == ["scripted tracks", "scripted layer"]


# ------------------------------------------------------------------- nothing done twice


def test_a_second_pipeline_reuses_everything_without_opening_the_video(bench, clip, monkeypatch):
    first = bench.pipeline().graph(clip).document
    monkeypatch.setattr("reelgraph.tools.pipeline.Video.open", refuse)
    monkeypatch.setattr("reelgraph.tools.pipeline.hash_file", refuse)
    assert bench.pipeline().graph(clip).document == first
    assert bench.runs == ["tracks", "layer default"]


def refuse(*arguments, **options):
    raise AssertionError("the video was read again")


def test_a_warm_graph_is_fast(bench, clip):
    pipeline = bench.pipeline()
    pipeline.graph(clip)
    spent = []
    for _ in range(20):
        start = time.perf_counter()
        pipeline.graph(clip)
        spent.append(time.perf_counter() - start)
    assert statistics.median(spent) < 0.02


def test_same_bytes_under_two_names_share_an_entry(bench, clip):
    other = Path(shutil.copy(clip, clip.with_name("ö ther.mp4")))
    one, two = bench.pipeline().graph(clip), bench.pipeline().graph(other)
    assert bench.runs == ["tracks", "layer default"]
    assert two.document.video.path == str(other)
    assert two.document.objects == one.document.objects
    assert bench.pipeline().tracks(other).video.path == str(other)


def test_other_bytes_under_one_name_do_not(bench, clip, make_video):
    pipeline = bench.pipeline()
    before = pipeline.graph(clip)
    make_video(clip, times_ms=range(0, 200, 40))
    after = pipeline.graph(clip)
    assert bench.runs == ["tracks", "layer default"] * 2
    assert (before.video.frame_count, after.video.frame_count) == (10, 5)


def test_a_changed_tracker_rebuilds_all_and_a_changed_generator_its_layer(bench, clip):
    two = [bench.generator("a"), bench.generator("b")]
    bench.pipeline(generators=two).graph(clip)
    assert bench.runs == ["tracks", "layer a", "layer b"]
    bench.runs.clear()
    bench.pipeline(generators=[bench.generator("a"), bench.generator("c")]).graph(clip)
    assert bench.runs == ["layer c"]
    bench.runs.clear()
    bench.pipeline(tracker=bench.tracker("other"), generators=two).graph(clip)
    assert bench.runs == ["tracks", "layer a", "layer b"]
    bench.runs.clear()

    class Newer(ScriptedTracker):
        version: ClassVar[str] = "2"

    bench.pipeline(tracker=Newer(bench.tracker()._play), generators=two[:1]).graph(clip)
    assert bench.runs == ["tracks", "layer a"]


def test_a_damaged_store_is_repaired_by_the_next_question(bench, clip, caplog):
    caplog.set_level(logging.WARNING, logger="reelgraph")
    expected = bench.pipeline().graph(clip).document
    store = GraphStore(bench.root)
    for entry in store.list():
        store._open().set(f"entry/{entry.id}", b"tampered")
    assert len(store.verify()) == 3
    store.close()
    assert bench.pipeline().graph(clip).document == expected
    assert store.verify() == []
    assert any("damaged" in record.getMessage() for record in caplog.records)


def test_a_folder_that_cannot_be_used_costs_a_warning(bench, clip, caplog):
    caplog.set_level(logging.WARNING, logger="reelgraph")
    bench.root.write_text("a file where the folder should be")
    pipeline = bench.pipeline()
    assert pipeline.graph(clip).document.relations[0].predicate == "left of"
    assert pipeline.relabel(clip, {1: "Bottle"}).object(1).label == "bottle"
    assert pipeline.graph(clip).object(1).label == "bottle"
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all("\n" not in message and str(bench.root) in message for message in messages)


# ------------------------------------------------------------------------------- labels


def test_labels_are_stored_certain_and_on_the_record(bench, clip):
    bench.pipeline().relabel(clip, {2: "  Red   Bottle "})
    bench.pipeline().relabel(clip, {1: "hand"})
    document = bench.pipeline().graph(clip).document
    assert [(o.label, o.uncertain) for o in document.objects] == [
        ("hand", False),
        ("red bottle", False),
    ]
    assert document.provenance[-1].stage == "labels"
    assert document.provenance[-1].config == {"1": "hand", "2": "red bottle"}
    assert bench.runs == ["tracks", "layer default"]


@pytest.mark.parametrize("labels", [{9: "cup"}, {1: "  "}])
def test_wrong_labels_are_refused_and_not_stored(bench, clip, labels):
    pipeline = bench.pipeline()
    with pytest.raises(QueryError):
        pipeline.relabel(clip, labels)
    assert pipeline.graph(clip).object(1).label == "cup"


# --------------------------------------------------------------------------- bad videos


@pytest.mark.parametrize("content", [None, b"", b"hello\n" * 200])
def test_what_is_no_video_leaves_nothing_behind(bench, tmp_path, content):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError):
        bench.pipeline().graph(path)
    assert GraphStore(bench.root).list() == []


def test_warnings_about_the_file_are_in_the_provenance(bench, tmp_path, make_video):
    path = make_video(
        tmp_path / "cut.mp4", times_ms=range(0, 4000, 40), options={"movflags": "faststart"}
    )
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.warns(VideoWarning):
        first = bench.pipeline().graph(path).document
    again = bench.pipeline().graph(path).document
    for document in (first, again):
        assert "cut short" in document.provenance[0].warnings[0]


# ---------------------------------------------------------------------- merging layers


def relation(spans=((0.0, 0.1),), **changes) -> Relation:
    fields = {"id": "x", "subject": 1, "predicate": "near", "object": 2, "source": "s"}
    intervals = tuple(Interval(*span) for span in spans)
    return Relation(**(fields | {"kind": "spatial", "intervals": intervals} | changes))


@pytest.fixture(scope="session")
def tracks(session_clip):
    return worker.find(Video.open(session_clip))


def test_the_later_label_wins_unless_it_says_nothing(tracks):
    layers = [
        GraphLayer(
            source="a",
            objects={
                1: LayerObject(label="thing", attributes=("red", "big"), score=0.25),
                2: LayerObject(label="ball"),
            },
        ),
        GraphLayer(
            source="b",
            objects={
                1: LayerObject(label="cup", attributes=("big", "round"), uncertain=False),
                2: LayerObject(attributes=("far",)),
            },
        ),
    ]
    one, two = merge(tracks, layers, ()).objects
    assert (one.label, one.uncertain, one.score) == ("cup", False, 0.25)
    assert one.attributes == ("red", "big", "round")
    assert (two.label, two.uncertain, two.attributes) == ("ball", True, ("far",))


def test_relations_are_numbered_in_an_order_that_does_not_depend_on_the_layers(tracks):
    said = [
        relation(spans=((0.1, 0.2),)),
        relation(subject=2, object=1),
        relation(predicate="above"),
        relation(spans=((0.0, 0.05),)),
        relation(source="z"),
        relation(),
    ]
    layers = [
        GraphLayer(source=name, relations=tuple(r for r in said if r.source == name))
        for name in ("s", "z")
    ]
    document = merge(tracks, layers, ())
    order = [(r.id, r.subject, r.predicate, r.start, r.source) for r in document.relations]
    assert order == [
        ("r1", 1, "near", 0.0, "s"),
        ("r2", 1, "above", 0.0, "s"),
        ("r3", 1, "near", 0.0, "s"),
        ("r4", 1, "near", 0.0, "z"),
        ("r5", 2, "near", 0.0, "s"),
        ("r6", 1, "near", 0.1, "s"),
    ]
    shuffled = [
        layer.model_copy(update={"relations": layer.relations[::-1]}) for layer in layers[::-1]
    ]
    assert merge(tracks, shuffled, ()).relations == document.relations


def test_a_layer_is_held_to_its_video(tracks):
    layer = GraphLayer(
        source="liar",
        objects={1: LayerObject(label="cup"), 7: LayerObject(label="ghost")},
        relations=(
            relation(object=8),
            relation(recipient=9),
            relation(spans=((-1.0, 0.1), (0.2, 0.3), (0.35, 9.0), (10.0, 11.0))),
            relation(spans=((5.0, 6.0),)),
            relation(object=CAMERA, spans=((0.4, 0.4),)),
        ),
        warnings=("said before",),
    )
    held = checked_layer(layer, tracks, source="s")
    assert held.source == "s"
    assert set(held.objects) == {1}
    assert [[list(span) for span in r.intervals] for r in held.relations] == [
        [[0.0, 0.1], [0.2, 0.3], [0.35, 0.4]],
        [[0.4, 0.4]],
    ]
    assert {r.source for r in held.relations} == {"s"}
    assert held.warnings[0] == "said before"
    assert "(7, 8, 9)" in held.warnings[1]
    assert held.warnings[2].startswith("1 relations reached outside")
    assert held.warnings[3].startswith("1 relations lay outside")
    merge(tracks, [held], ())


def test_a_true_layer_is_left_as_it_is(tracks, session_clip):
    layer = worker.say(Video.open(session_clip), tracks)
    assert checked_layer(layer, tracks, source="scripted") == layer


def test_labels_of_unknown_objects_are_ignored(tracks):
    document = merge(tracks, (), ())
    assert apply_labels(document, {5: "cup"}) == document


def test_no_objects_is_a_graph_too(bench, clip):
    def nothing(video):
        return dataclasses.replace(worker.find(video), objects=())

    pipeline = bench.pipeline(
        tracker=ScriptedTracker(nothing, script="nothing"),
        generators=[ScriptedGenerator(lambda video, tracks: GraphLayer(source="scripted"))],
    )
    document = pipeline.graph(clip).document
    assert (document.objects, document.relations) == ((), ())


# ------------------------------------------------------------------------ choosing tools


class Absent(ScriptedGenerator):
    def available(self) -> Availability:
        return Availability(ok=False, reason="it has no weights", fix="get them")


def test_a_named_tool_that_cannot_run_is_refused_with_the_fix(bench):
    with pytest.raises(SettingsError, match=r"'scripted' cannot run here: it has no weights; get"):
        bench.pipeline(generators=[Absent(worker.say)])


@pytest.mark.parametrize("arguments", [{"tracker": "motino"}, {"generators": ["geometri"]}])
def test_unknown_names_get_the_nearest(bench, arguments):
    with pytest.raises(QueryError, match=r"Did you mean '(motion|geometry)'"):
        bench.pipeline(**arguments)


def test_the_choice_names_the_tools(bench):
    pipeline = bench.pipeline(generators=["geometry", bench.generator()])
    assert pipeline.choice == (
        "objects are tracked by 'scripted' and described by 'geometry', 'scripted'"
    )


def test_auto_takes_what_can_run_and_says_why_not_the_rest(bench, monkeypatch):
    class NeedsDevice(ScriptedTracker):
        name = "sam2"

        def available(self) -> Availability:
            return Availability(ok=False, reason="no CUDA device", fix="use another machine")

    monkeypatch.setitem(TRACKERS._factories, "sam2", lambda: NeedsDevice(worker.find))
    pipeline = Pipeline(store=GraphStore(bench.root))
    assert pipeline.tracker.name == "motion"
    assert [item.name for item in pipeline.generators] == ["appearance", "geometry"]
    assert "'motion'" in pipeline.choice
    assert "'sam2' cannot run: no CUDA device" in pipeline.choice


def test_without_a_usable_store_the_tracker_still_runs_once(tmp_path, clip, caplog):
    bench = Bench(tmp_path / "blocked")
    bench.root.write_text("a file where the folder should be")
    pipeline = bench.pipeline()
    graph = pipeline.graph(clip)
    assert [track.id for track in pipeline.tracks(clip).objects] == [o.id for o in graph.objects()]
    assert bench.runs.count("tracks") == 1


# --------------------------------------------------------------------- several processes

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture
def start_server(bench, clip, tmp_path):
    """Start a process that forks builders on demand."""
    servers = []

    def start(pause_s: float) -> subprocess.Popen:
        log = tmp_path / "runs.log"
        log.touch()
        arguments = [str(WORKER), str(bench.root), str(clip), str(log), str(pause_s)]
        server = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=30)


def build(server: subprocess.Popen, result: Path) -> int:
    server.stdin.write(f"{result}\n")
    server.stdin.flush()
    return int(server.stdout.readline())


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)
    return path.read_text()


@needs_fork
def test_four_processes_at_once_run_the_tracker_once(start_server, tmp_path):
    server = start_server(0.5)
    results = [tmp_path / f"result{number}.json" for number in range(4)]
    for result in results:
        build(server, result)
    documents = {wait_for(result) for result in results}
    assert len(documents) == 1
    assert (tmp_path / "runs.log").read_text() == "run\n"


@needs_fork
def test_a_builder_killed_at_any_moment_leaves_no_wrong_entry(
    start_server, bench, clip, tmp_path, tmp_path_factory
):
    server = start_server(0.1)
    reference = Bench(tmp_path_factory.mktemp("reference"))
    expected = reference.pipeline().graph(clip).document
    moments = random.Random(11)
    killed_before_the_end = 0
    for number in range(20):
        GraphStore(bench.root).clear()
        result = tmp_path / f"killed{number}.json"
        child = build(server, result)
        time.sleep(moments.uniform(0.0, 0.35))
        os.kill(child, signal.SIGKILL)
        killed_before_the_end += not result.exists()
        assert GraphStore(bench.root).verify() == []
        assert bench.pipeline().graph(clip).document == expected
    assert killed_before_the_end >= 5, "the kills came too late to mean anything"


@needs_fork
def test_a_waiting_process_takes_over_when_the_builder_dies(start_server, bench, tmp_path):
    server = start_server(1.0)
    child = build(server, tmp_path / "never.json")
    while (tmp_path / "runs.log").read_text() != "run\n":
        time.sleep(0.01)
    build(server, tmp_path / "result.json")
    time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    assert "cup" in wait_for(tmp_path / "result.json")
    assert (tmp_path / "runs.log").read_text() == "run\nrun\n"
    assert not (tmp_path / "never.json").exists()
