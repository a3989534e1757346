"""VidVRD's detection and tagging scores: the official evaluator's values, and properties."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import EvalError
from reelgraph.eval.metrics import vidvrd
from reelgraph.eval.metrics.vidvrd import RelationInstance, evaluate
from reelgraph.graph.formats.vidvrd import write_vidvrd
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.tracks import Track, Tracks

Json = Any


@pytest.fixture(scope="module")
def golden(data_dir: Path) -> Path:
    return data_dir / "metrics_golden" / "vidvrd"


def _read(videos: Json) -> dict[str, list[RelationInstance]]:
    return {name: [*map(RelationInstance.from_json, items)] for name, items in videos.items()}


def _check(scores: vidvrd.VidVRDScores, expected: Json) -> None:
    assert scores.mean_ap == pytest.approx(expected["mean_ap"], abs=1e-6)
    for ours, key in (
        (scores.recall_at, "recall_at"),
        (scores.tagging_precision_at, "tagging_precision_at"),
    ):
        wanted = {int(n): value for n, value in expected[key].items()}
        assert ours == pytest.approx(wanted, abs=1e-6)


def test_the_official_evaluator_gives_the_same_scores(golden: Path) -> None:
    for case in json.loads((golden / "cases.json").read_text())["cases"]:
        expected = case["expected"]
        if expected["error"]:
            continue
        scores = evaluate(_read(case["groundtruth"]), _read(case["prediction"]))
        _check(scores, expected)
        for name, video in expected["per_video"].items():
            if video is None:
                assert name not in scores.per_video
                continue
            ours = scores.per_video[name]
            assert ours.average_precision == pytest.approx(video["ap"], abs=1e-6)
            assert ours.ground_truth_count == video["num_gt"]
            assert [*map(int, ours.hits)] == video["hits_in_score_order"]
            assert ours.tagging_curve == pytest.approx(video["tagging_precision_curve"], abs=1e-6)


def test_zero_shot_protocols_give_the_official_scores(golden: Path) -> None:
    seen_one = False
    for case in json.loads((golden / "cases.json").read_text())["cases"]:
        for protocol, expected in (case.get("expected_zeroshot") or {}).items():
            seen = {tuple(triplet) for triplet in case["train_triplets"]}
            truth = vidvrd.unseen(_read(case["groundtruth"]), seen)
            predicted = _read(case["prediction"])
            if protocol == "new":
                new = {item.triplet for items in truth.values() for item in items}
                predicted = vidvrd.only_triplets(predicted, new)
            if expected.get("error"):
                continue
            _check(evaluate(truth, predicted), expected)
            seen_one = True
    assert seen_one


def test_viou_and_average_precision_are_the_official_ones(golden: Path) -> None:
    units = json.loads((golden / "units.json").read_text())
    for unit in units["viou"]:
        a, b = np.array(unit["traj_1"], float), np.array(unit["traj_2"], float)
        ours = vidvrd.viou(a, *unit["duration_1"], b, *unit["duration_2"])
        assert ours == pytest.approx(unit["expected"], abs=1e-6)
    for unit in units["voc_ap"]:
        recall, precision = np.array(unit["recall"]), np.array(unit["precision"])
        ours = vidvrd.average_precision(recall, precision)
        assert ours == pytest.approx(unit["expected_ap"], abs=1e-6)


def test_annotation_files_are_read_as_the_official_loader_does(golden: Path) -> None:
    for video in json.loads((golden / "annotation_to_gt.json").read_text())["videos"]:
        ours = vidvrd.instances_of(video["annotation"])
        expected = video["expected_relation_instances"]
        assert len(ours) == len(expected)
        for mine, item in zip(ours, expected, strict=True):
            assert list(mine.triplet) == item["triplet"]
            assert [mine.begin_frame, mine.end_frame] == item["duration"]
            assert mine.subject_xyxy.tolist() == item["sub_traj"]
            assert mine.object_xyxy.tolist() == item["obj_traj"]


# --- where the official evaluator fails ----------------------------------------------------------


def _instance(
    triplet: tuple[str, str, str] = ("dog", "chase", "cat"), score: float | None = None, x: int = 0
) -> RelationInstance:
    boxes = np.array([[x, 0.0, x + 9, 9]] * 4)
    return RelationInstance(triplet, 0, 4, boxes, boxes + 50, score)


def test_no_prediction_at_all_scores_zero() -> None:
    scores = evaluate({"v": [_instance()]}, {})
    assert (scores.mean_ap, scores.recall_at[50], scores.tagging_precision_at[1]) == (0, 0, 0)


def test_no_ground_truth_at_all_has_no_score() -> None:
    scores = evaluate({"v": []}, {"v": [_instance(score=0.5)]})
    assert math.isnan(scores.mean_ap)
    assert math.isnan(scores.recall_at[50])


def test_a_track_shorter_than_its_relation_is_refused() -> None:
    boxes = np.zeros((3, 4))
    with pytest.raises(EvalError, match="each of the 4 frames"):
        RelationInstance(("a", "b", "c"), 0, 4, boxes, boxes)


@pytest.mark.parametrize("score", [math.inf, -math.inf, math.nan], ids=["inf", "-inf", "nan"])
def test_a_score_that_is_not_finite_is_refused(score: float) -> None:
    with pytest.raises(EvalError, match="must be finite"):
        _instance(score=score)


def test_a_missing_box_names_the_object() -> None:
    annotation = {
        "video_id": "v",
        "subject/objects": [{"tid": 0, "category": "dog"}, {"tid": 1, "category": "cat"}],
        "trajectories": [[]],
        "relation_instances": [
            {"subject_tid": 0, "object_tid": 1, "predicate": "chase", "begin_fid": 0, "end_fid": 1}
        ],
    }
    with pytest.raises(EvalError, match="object 0 of video 'v'"):
        vidvrd.instances_of(annotation)


# --- graphs of reelgraph --------------------------------------------------------------------------


def _graph_and_tracks() -> tuple[SceneGraph, Tracks]:
    """A dog on all of ten frames and a cat that hides on the fourth; one frame a second."""
    video = VideoInfo(
        path="v.mp4", sha256="0" * 64, duration_s=10, fps=1, frame_count=10, resolution_wh=(64, 48)
    )

    def track(number: int, frames: list[int]) -> Track:
        boxes = np.array([[x, 5.0, x + 10, 15] for x in frames])
        return Track(number, np.array(frames), boxes, (b"0",) * len(frames))

    def relation(name: str, ends: tuple[int, int], start: float, end: float) -> Relation:
        return Relation(
            id=name,
            subject=ends[0],
            predicate="runs after",
            object=ends[1],
            intervals=(Interval(start, end),),
            kind="motion",
            source="made",
            score=0.5 if name == "r1" else None,
        )

    times = np.arange(10)
    cat = [frame for frame in range(10) if frame != 3]
    tracks = Tracks(
        video, times, times.astype(float), 10.0, (track(1, [*range(10)]), track(2, cat))
    )
    graph = SceneGraph(
        video=video,
        objects=(SceneObject(id=1, label="big dog"), SceneObject(id=2, label="cat")),
        relations=(
            relation("r1", (1, 2), 1, 6),
            relation("r2", (2, 1), 8, 10),
            relation("r3", (1, CAMERA), 0, 10),
        ),
    )
    return graph, tracks


def test_a_graph_and_its_tracks_are_predictions() -> None:
    found = vidvrd.instances_of_graph(*_graph_and_tracks())
    assert [(item.begin_frame, item.end_frame, item.score) for item in found] == [
        (1, 3, 0.5), (4, 6, 0.5), (8, 10, 1.0)
    ]  # fmt: skip
    assert found[0].triplet == ("big_dog", "runs_after", "cat")
    assert found[0].subject_xyxy.tolist() == [[1, 5, 10, 14], [2, 5, 11, 14]]
    assert evaluate({"v": found}, {"v": found}).mean_ap == 1


def test_a_graph_that_is_written_for_vidvrd_is_its_own_ground_truth(tmp_path: Path) -> None:
    graph, tracks = _graph_and_tracks()
    seen = graph.model_copy(update={"relations": graph.relations[1:]})
    write_vidvrd(seen, tmp_path / "v.json", tracks=tracks)
    truth = vidvrd.instances_of(json.loads((tmp_path / "v.json").read_text()))
    scores = evaluate({"v": truth}, {"v": vidvrd.instances_of_graph(seen, tracks)})
    assert (scores.mean_ap, scores.recall_at[50]) == (1, 1)


# --- properties ----------------------------------------------------------------------------------

triplets = st.tuples(*[st.sampled_from("ab")] * 3)
instances = st.builds(
    _instance, triplets, st.floats(0, 1, allow_nan=False), st.integers(-8, 8).map(lambda x: 2 * x)
)
data_sets = st.dictionaries(st.sampled_from("uvw"), st.lists(instances, max_size=5))


@given(truth=data_sets, predicted=data_sets)
def test_scores_are_fractions(
    truth: dict[str, list[RelationInstance]], predicted: dict[str, list[RelationInstance]]
) -> None:
    scores = evaluate(truth, predicted)
    values = [scores.mean_ap, *scores.recall_at.values(), *scores.tagging_precision_at.values()]
    has_truth = any(truth.values())
    assert all((0 <= value <= 1 + 1e-12) if has_truth else math.isnan(value) for value in values)


@given(truth=data_sets.filter(lambda videos: any(videos.values())))
def test_the_ground_truth_itself_is_perfect(truth: dict[str, list[RelationInstance]]) -> None:
    scores = evaluate(truth, truth)
    assert scores.mean_ap == pytest.approx(1)
    assert scores.recall_at[50] == 1
    assert scores.tagging_precision_at[1] == 1


@given(truth=data_sets, predicted=data_sets, data=st.data())
def test_the_order_of_videos_and_of_distinct_scores_is_irrelevant(
    truth: dict[str, list[RelationInstance]],
    predicted: dict[str, list[RelationInstance]],
    data: st.DataObject,
) -> None:
    predicted = {
        name: [*{item.score: item for item in items}.values()] for name, items in predicted.items()
    }
    shuffled = {
        name: data.draw(st.permutations(predicted[name]))
        for name in data.draw(st.permutations(sorted(predicted)))
    }
    before, after = evaluate(truth, predicted), evaluate(truth, shuffled)
    assert str(before.recall_at) == str(after.recall_at)
    assert before.mean_ap == pytest.approx(after.mean_ap, nan_ok=True)
