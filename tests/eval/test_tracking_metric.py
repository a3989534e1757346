"""HOTA, CLEAR and Identity: TrackEval's values, deviations from it, and properties."""

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
from reelgraph.eval.metrics import tracking, video_objects
from reelgraph.eval.metrics.hota import ALPHAS
from reelgraph.eval.metrics.tracking import TrackingScores, TrackingSequence, evaluate

Json = Any


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    return data_dir / "metrics_golden"


@pytest.fixture(scope="module")
def golden(folder: Path) -> Json:
    return json.loads((folder / "tracking" / "cases.json").read_text())


def _hota(scores: TrackingScores) -> dict[str, list[float]]:
    found = scores.hota
    arrays = {
        "HOTA": found.hota_at, "DetA": found.det_a, "AssA": found.ass_a, "DetRe": found.det_re,
        "DetPr": found.det_pr, "AssRe": found.ass_re, "AssPr": found.ass_pr, "LocA": found.loc_a,
        "OWTA": found.owta_at, "HOTA_TP": found.tp, "HOTA_FN": found.fn, "HOTA_FP": found.fp,
    }  # fmt: skip
    return {name: values.tolist() for name, values in arrays.items()}


def _clear(scores: TrackingScores) -> dict[str, float]:
    found = scores.clear
    objects = max(1, found.mostly_tracked + found.partly_tracked + found.mostly_lost)
    return {
        "MOTA": found.mota, "MOTP": found.motp, "MODA": found.moda, "sMOTA": found.smota,
        "MOTAL": found.motal, "CLR_Re": found.recall, "CLR_Pr": found.precision,
        "CLR_F1": found.f1, "MTR": found.mostly_tracked / objects,
        "PTR": found.partly_tracked / objects, "MLR": found.mostly_lost / objects,
        "CLR_TP": found.tp, "CLR_FN": found.fn, "CLR_FP": found.fp, "IDSW": found.id_switches,
        "MT": found.mostly_tracked, "PT": found.partly_tracked, "ML": found.mostly_lost,
        "Frag": found.fragments, "FP_per_frame": found.false_positives_per_frame,
        "CLR_Frames": found.frames,
    }  # fmt: skip


def _identity(scores: TrackingScores) -> dict[str, float]:
    found = scores.identity
    return {
        "IDF1": found.idf1, "IDR": found.recall, "IDP": found.precision,
        "IDTP": found.tp, "IDFN": found.fn, "IDFP": found.fp,
    }  # fmt: skip


UNDEFINED = {"MOTA", "MODA", "sMOTA", "MOTAL", "MLR"}
FRAMES = {"CLR_Frames", "FP_per_frame"}


def _check(ours: TrackingScores, expected: Json, apart_from: set[str] = frozenset()) -> None:
    hota = _hota(ours)
    for name, values in hota.items():
        assert values == pytest.approx(expected["HOTA"][name], abs=1e-6)
    means = {name: float(np.mean(hota[name])) for name in expected["HOTA"]["means_over_alpha"]}
    assert means == pytest.approx(expected["HOTA"]["means_over_alpha"], abs=1e-6)
    assert ours.hota.hota == means["HOTA"]
    clear = {name: value for name, value in _clear(ours).items() if name not in apart_from}
    assert clear == pytest.approx({name: expected["CLEAR"][name] for name in clear}, abs=1e-6)
    assert _identity(ours) == pytest.approx(expected["Identity"], abs=1e-6)


def _read(case: Json) -> dict[str, TrackingSequence]:
    return {
        name: TrackingSequence.from_boxes(
            sequence["gt"], sequence["tracker"], frames=sequence["num_frames"]
        )
        for name, sequence in case["sequences"].items()
    }


def _deviation(sequences: list[TrackingSequence]) -> set[str]:
    """Return what is not copied from TrackEval where a side of a sequence is empty."""
    empty = {name for item in sequences if not item.truth_count for name in UNDEFINED | FRAMES}
    return empty | {name for item in sequences if not item.tracked_count for name in FRAMES}


def test_trackeval_gives_the_same_scores_for_boxes(golden: Json) -> None:
    assert pytest.approx(golden["alphas"]) == ALPHAS.tolist()
    for case in golden["cases"]:
        expected = case["expected"]
        if expected["error"]:
            with pytest.raises(EvalError):
                _read(case)
            continue
        sequences = _read(case)
        combined, each = evaluate(sequences)
        _check(combined, expected["combined"], _deviation([*sequences.values()]))
        for name, scores in each.items():
            _check(scores, expected["sequences"][name], _deviation([sequences[name]]))


def test_trackeval_gives_the_same_scores_for_similarities(golden: Json) -> None:
    for case in golden["similarity_cases"]:
        frames = zip(case["gt_ids"], case["tracker_ids"], case["similarity"], strict=True)
        combined, _ = evaluate({"s": TrackingSequence.of(frames)})
        _check(combined, case["expected"])


def test_trackeval_gives_the_same_scores_for_masks(golden: Json, folder: Path) -> None:
    with np.load(folder / "vos_jf" / "masks.npz") as masks:
        for case in golden["mask_cases"]:
            truth, predicted = (
                video_objects.objects_of_labels(masks[f"{case['name']}__{side}"])
                for side in ("gt", "pred")
            )
            combined, _ = evaluate({"s": TrackingSequence.from_masks(truth, predicted)})
            _check(combined, case["expected"])


def test_box_similarity_is_that_of_trackeval(golden: Json) -> None:
    for unit in golden["box_iou"]:
        sides = [np.array(unit[key], float).reshape(-1, 4) for key in ("a_xywh", "b_xywh")]
        corners = [np.hstack([side[:, :2], side[:, :2] + side[:, 2:]]) for side in sides]
        wanted = np.array(unit["iou"])
        assert tracking.box_similarity(*corners) == pytest.approx(wanted, abs=1e-6)


# --- where TrackEval's values mislead -------------------------------------------------------------

BOX = (10.0, 10.0, 20.0, 20.0)


def _rows(frames: int, number: int = 1) -> list[list[float]]:
    return [[frame, number, *BOX] for frame in range(1, frames + 1)]


def test_without_ground_truth_mota_has_no_value() -> None:
    scores, _ = evaluate({"s": TrackingSequence.from_boxes([], _rows(10), frames=10)})
    assert math.isnan(scores.clear.mota)
    assert math.isnan(scores.clear.motal)
    assert (scores.clear.fp, scores.clear.mostly_lost, scores.clear.frames) == (10, 0, 10)
    assert scores.clear.false_positives_per_frame == 1


def test_false_positives_of_an_empty_sequence_count_with_others() -> None:
    empty = TrackingSequence.from_boxes([], _rows(10), frames=10)
    full = TrackingSequence.from_boxes(_rows(10), _rows(10), frames=10)
    scores, _ = evaluate({"a": empty, "b": full})
    assert scores.clear.mota == 0
    assert scores.clear.frames == 20


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrackingSequence.from_boxes(_rows(3), [], frames=2), "frames \\[3\\]"),
        (lambda: TrackingSequence.from_boxes(_rows(2) * 2, [], frames=2), "twice"),
        (lambda: TrackingSequence.of([([1], [2], [[0.1, 0.2]])]), "shape \\(1, 1\\)"),
        (
            lambda: TrackingSequence.from_masks(
                {1: np.ones((2, 3, 3), bool)}, {1: np.ones((2, 3, 4), bool)}
            ),
            "one shape",
        ),
        (lambda: evaluate({}), "no sequence"),
    ],
    ids=["frame", "twice", "similarity", "masks", "nothing"],
)
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(EvalError, match=message):
        make()


# --- properties ----------------------------------------------------------------------------------


@st.composite
def sequences(draw: st.DrawFn) -> list[tuple[list[int], list[int], list[list[float]]]]:
    frames = []
    for _ in range(draw(st.integers(1, 5))):
        truth = draw(st.lists(st.integers(0, 3), unique=True, max_size=3))
        tracked = draw(st.lists(st.integers(0, 3), unique=True, max_size=3))
        row = st.lists(st.floats(0, 1), min_size=len(tracked), max_size=len(tracked))
        frames.append((truth, tracked, [draw(row) for _ in truth]))
    return frames


@given(frames=sequences())
def test_scores_are_bounded(frames: Any) -> None:
    scores, _ = evaluate({"s": TrackingSequence.of(frames)})
    assert all(0 <= value <= 1 + 1e-9 for value in (*scores.hota.hota_at, scores.identity.idf1))
    assert math.isnan(scores.clear.mota) or scores.clear.mota <= 1


@given(frames=sequences())
def test_names_of_ids_are_irrelevant(frames: Any) -> None:
    renamed = [([7 - i for i in a], [9 + 2 * i for i in b], table) for a, b, table in frames]
    before, after = (evaluate({"s": TrackingSequence.of(f)})[0] for f in (frames, renamed))
    assert before.hota.hota == pytest.approx(after.hota.hota)
    assert before.identity == after.identity


@given(frames=sequences().filter(lambda frames: any(truth for truth, _, _ in frames)))
def test_the_annotation_itself_is_perfect(frames: Any) -> None:
    same = [(truth, truth, np.eye(len(truth))) for truth, _, _ in frames]
    scores, _ = evaluate({"s": TrackingSequence.of(same)})
    assert (scores.hota.hota, scores.clear.mota, scores.identity.idf1) == pytest.approx((1, 1, 1))
