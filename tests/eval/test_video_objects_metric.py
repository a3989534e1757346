"""J and F by DAVIS's and SA-V's conventions: official values, deviations, properties."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reelgraph.errors import EvalError
from reelgraph.eval.metrics import video_objects as vos
from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask

Json = Any
Cases = dict[str, tuple[Json, np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    return data_dir / "metrics_golden" / "vos_jf"


@pytest.fixture(scope="module")
def golden(folder: Path) -> Json:
    return json.loads((folder / "cases.json").read_text())


@pytest.fixture(scope="module")
def cases(folder: Path, golden: Json) -> Cases:
    with np.load(folder / "masks.npz") as masks:
        return {
            case["name"]: (
                case["expected"],
                masks[f"{case['name']}__gt"],
                masks[f"{case['name']}__pred"],
            )
            for case in golden["cases"]
        }


def _objects(cases: Cases, *names: str) -> tuple[dict[str, vos.Objects], dict[str, vos.Objects]]:
    return (
        {name: vos.objects_of_labels(cases[name][1]) for name in names},
        {name: vos.objects_of_labels(cases[name][2], void=0) for name in names},
    )


def _check_davis(scores: vos.SegmentationScores, expected: Json) -> None:
    ours = {
        "JF_mean": scores.j_and_f,
        "J_mean": scores.j.mean,
        "J_recall": scores.j.recall,
        "J_decay": scores.j.decay,
        "F_mean": scores.f.mean,
        "F_recall": scores.f.recall,
        "F_decay": scores.f.decay,
    }
    wanted = {key: math.nan if expected[key] is None else expected[key] for key in ours}
    assert ours == pytest.approx(wanted, abs=1e-6, nan_ok=True)
    for sequence, frames in expected["per_frame"].items():
        rows = [item for item in scores.objects if item.sequence == sequence]
        for item, j, f in zip(rows, frames["J"], frames["F"], strict=True):
            assert item.j.tolist() == pytest.approx(j, abs=1e-6)
            assert item.f.tolist() == pytest.approx(f, abs=1e-6)


@pytest.mark.parametrize("task", ["davis_semi_supervised", "davis_unsupervised"])
def test_davis_gives_the_same_scores(cases: Cases, golden: Json, task: str) -> None:
    multi = golden["multi_sequence"]
    runs = [([name], expected[task]) for name, (expected, _, _) in cases.items()]
    for names, expected in [*runs, (multi["sequences"], multi["expected"][task])]:
        if expected["error"]:
            continue
        truth, predicted = _objects(cases, *names)
        if task == "davis_semi_supervised":
            scores = vos.davis_semi_supervised(truth, predicted)
        else:
            void = {name: cases[name][1] == 255 for name in names}
            scores = vos.davis_unsupervised(truth, predicted, void=void)
        _check_davis(scores, expected)


@pytest.mark.parametrize("form", ["sav_per_object_folders", "sav_label_png"])
@pytest.mark.parametrize("frames", ["skip_first_last", "all_frames"])
def test_sav_gives_the_same_scores(cases: Cases, golden: Json, form: str, frames: str) -> None:
    multi = golden["multi_sequence"]
    runs = [([name], expected[form][frames]) for name, (expected, _, _) in cases.items()]
    for names, expected in [*runs, (multi["sequences"], multi["expected"][form][frames])]:
        if expected["error"]:
            continue
        truth, predicted = _objects(cases, *names)
        scores = vos.sav(truth, predicted, skip_first_and_last=frames == "skip_first_last")
        ours = {"JF": scores.j_and_f, "J": scores.j.mean, "F": scores.f.mean}
        for key, value in ours.items():
            wanted = expected[key]
            wanted = math.nan if wanted in (None, "nan") else wanted
            assert 100 * value == pytest.approx(wanted, abs=1e-6, nan_ok=True)
        for item in scores.objects:
            wanted = expected["objects"][item.sequence][str(item.object_id)]
            assert 100 * item.j.mean() == pytest.approx(wanted["J"], abs=1e-6)
            assert 100 * item.f.mean() == pytest.approx(wanted["F"], abs=1e-6)


def test_single_frames_are_scored_as_davis_does(folder: Path, golden: Json) -> None:
    with np.load(folder / "unit_masks.npz") as masks:
        for unit in golden["unit_j_f"]:
            truth, predicted = masks[unit["gt"]] > 0, masks[unit["pred"]] > 0
            (j,) = vos.jaccard(truth[None], predicted[None])
            assert j == pytest.approx(unit["J"], abs=1e-6)
            f = vos.boundary_f(truth, predicted, tolerance=unit["bound_th"])
            assert f == pytest.approx(unit["F"], abs=1e-6)


def test_frame_statistics_are_those_of_davis_up_to_256_frames(golden: Json) -> None:
    for unit in golden["unit_db_statistics"]:
        ours = vos.statistics(np.array(unit["values"]))
        mean, recall, decay = unit["mean_recall_decay"]
        assert (ours.mean, ours.recall) == pytest.approx((mean, recall), abs=1e-6)
        if len(unit["values"]) <= 256:
            assert ours.decay == pytest.approx(decay, abs=1e-6)


def test_decay_is_right_above_256_frames(golden: Json) -> None:
    (unit,) = [u for u in golden["unit_db_statistics"] if len(u["values"]) == 512]
    ours = vos.statistics(np.array(unit["values"]))
    assert ours.decay == pytest.approx(0.0213, abs=5e-5)
    assert unit["mean_recall_decay"][2] == pytest.approx(0.0028, abs=5e-5)
    falling = np.linspace(1, 0, 1001)
    assert vos.statistics(falling).decay == pytest.approx(0.75, abs=1e-6)


# --- real masklets -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def masklets(data_dir: Path) -> tuple[Json, list[np.ndarray], list[np.ndarray]]:
    found = data_dir / "sav_example"

    def read(name: str) -> list[np.ndarray]:
        return [*vos.objects_of_masklets(json.loads((found / name).read_text())).values()]

    golden = json.loads((found / "golden_jf.json").read_text())
    return golden, read("sav_000001_manual.json"), read("sav_000001_auto.json")


def _shifted(masks: np.ndarray) -> np.ndarray:
    moved = np.zeros_like(masks)
    moved[:, :, 6:] = masks[:, :, :-6]
    return moved


@pytest.mark.parametrize("name", ["auto_best_match", "lag1", "shift6px"])
def test_real_masklets_get_the_official_scores(
    masklets: tuple[Json, list[np.ndarray], list[np.ndarray]], name: str
) -> None:
    golden, manual, auto = masklets
    expected = golden[name]
    predicted = {
        "auto_best_match": lambda: [auto[i] for i in expected["best_auto_for_manual"]],
        "lag1": lambda: [np.concatenate([masks[:1], masks[:-1]]) for masks in manual],
        "shift6px": lambda: [_shifted(masks) for masks in manual],
    }[name]()
    scores = vos.sav({"v": dict(enumerate(manual))}, {"v": dict(enumerate(predicted))})
    assert 100 * scores.j_and_f == pytest.approx(expected["global"]["JF"], abs=1e-6)
    for item in scores.objects:
        wanted = expected["objects"][f"{item.object_id:03d}"]
        assert 100 * item.j.mean() == pytest.approx(wanted["J"], abs=1e-6)
        assert 100 * item.f.mean() == pytest.approx(wanted["F"], abs=1e-6)


# --- where the official evaluators fail ----------------------------------------------------------


def _square(frames: int = 6, size: int = 12, left: int = 3) -> np.ndarray:
    masks = np.zeros((frames, size, size), dtype=bool)
    masks[:, 3:8, left : left + 5] = True
    return masks


def test_an_object_that_appears_late_is_left_out_with_its_prediction(cases: Cases) -> None:
    truth, predicted = _objects(cases, "second_object_late")
    scores = vos.davis_semi_supervised(truth, predicted)
    assert {item.object_id for item in scores.objects} == {1}


def test_an_id_that_is_not_annotated_is_refused(cases: Cases) -> None:
    truth, predicted = _objects(cases, "extra_predicted_object")
    with pytest.raises(EvalError, match="none of the annotated"):
        vos.davis_semi_supervised(truth, predicted)


def test_no_frame_left_has_no_score(cases: Cases) -> None:
    truth, predicted = _objects(cases, "two_frames")
    assert math.isnan(vos.davis_semi_supervised(truth, predicted).j_and_f)
    assert math.isnan(vos.sav(truth, predicted).j_and_f)


def test_tracks_are_masks_on_every_processed_frame() -> None:
    video = VideoInfo(
        path="v.mp4", sha256="0" * 64, duration_s=3, fps=1, frame_count=3, resolution_wh=(12, 12)
    )
    mask = _square()[0]
    track = Track(
        id=4,
        positions=np.array([0, 2]),
        boxes_xyxy=np.array([[3.0, 3, 8, 8]] * 2),
        rles=(encode_mask(mask),) * 2,
    )
    times = np.arange(3)
    (masks,) = vos.objects_of_tracks(
        Tracks(video, times, times.astype(float), 3.0, (track,))
    ).values()
    assert [frame.sum() for frame in masks] == [25, 0, 25]
    assert np.array_equal(masks[2], mask)


def test_a_file_that_is_no_annotation_of_sav_is_refused() -> None:
    with pytest.raises(EvalError, match="not an annotation of SA-V"):
        vos.objects_of_masklets({"masklet": []})


def test_too_many_proposals_are_refused(cases: Cases) -> None:
    truth, predicted = _objects(cases, "twentyone_proposals")
    with pytest.raises(EvalError, match="21 proposals"):
        vos.davis_unsupervised(truth, predicted)


@pytest.mark.parametrize("name", ["shape_mismatch", "missing_prediction_frames"])
@pytest.mark.parametrize("score", [vos.davis_semi_supervised, vos.davis_unsupervised, vos.sav])
def test_masks_of_another_shape_are_refused(cases: Cases, name: str, score: Any) -> None:
    truth, predicted = _objects(cases, name)
    if name == "missing_prediction_frames":
        predicted = {name: {i: masks[:6] for i, masks in predicted[name].items()}}
    with pytest.raises(EvalError, match="one shape"):
        score(truth, predicted)


def test_frames_before_the_first_appearance_do_not_count_for_sav() -> None:
    late = _square()
    late[:4] = False
    truth, predicted = {"v": {1: late}}, {"v": {1: _square()}}
    assert len(vos.sav(truth, predicted).objects[0].j) == 4
    assert len(vos.sav(truth, {}).objects[0].j) == 1


# --- properties ----------------------------------------------------------------------------------

stacks = arrays(np.bool_, (4, 7, 9))
videos = st.dictionaries(st.integers(1, 3), stacks, min_size=1, max_size=3)


@settings(max_examples=40)
@given(truth=videos, predicted=videos)
def test_scores_are_fractions_and_matching_never_hurts(
    truth: dict[int, np.ndarray], predicted: dict[int, np.ndarray]
) -> None:
    scores = vos.davis_unsupervised({"v": truth}, {"v": predicted})
    values = [value for item in scores.objects for value in (*item.j, *item.f)]
    assert all(0 <= value <= 1 for value in values)
    renamed = {number + 7: masks for number, masks in predicted.items()}
    again = vos.davis_unsupervised({"v": truth}, {"v": renamed})
    assert again.j_and_f == pytest.approx(scores.j_and_f, nan_ok=True)


@settings(max_examples=40)
@given(truth=videos)
def test_the_annotation_itself_is_perfect(truth: dict[int, np.ndarray]) -> None:
    for scores in (vos.davis_unsupervised, vos.davis_semi_supervised, vos.sav):
        found = scores({"v": truth}, {"v": truth})
        assert not found.objects or found.j_and_f == 1


@settings(max_examples=40)
@given(a=arrays(np.bool_, (8, 8)), b=arrays(np.bool_, (8, 8)))
def test_agreement_is_mutual(a: np.ndarray, b: np.ndarray) -> None:
    assert vos.boundary_f(a, b) == pytest.approx(vos.boundary_f(b, a))
    assert vos.jaccard(a[None], b[None]) == vos.jaccard(b[None], a[None])
