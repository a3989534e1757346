"""NExT-GQA's scores: the official evaluator's values, what it hides, and properties."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import EvalError
from reelgraph.eval.metrics import grounded_qa
from reelgraph.eval.metrics.grounded_qa import GroundingScores, evaluate

Json = Any


@pytest.fixture(scope="module")
def golden(data_dir: Path) -> Json:
    return json.loads((data_dir / "metrics_golden" / "nextgqa" / "cases.json").read_text())


def _score(case: Json, subset: list[str] | None) -> GroundingScores:
    truth = grounded_qa.truth_of(case["groundtruth"])
    if subset is not None:
        truth = {key: truth[key] for key in subset}
    lengths = {video: entry["duration"] for video, entry in case["groundtruth"].items()}
    spans = case["pred_ground"]
    if case["gaussian"]:
        spans = {
            key: [round(number * lengths[key.split("_")[0]], 1) for number in span]
            for key, span in spans.items()
        }
    return evaluate(truth, spans, _right(case))


def _right(case: Json) -> dict[str, bool]:
    answers = (case["pred_qa"] or {}).items()
    return {key: answer["answer"] == answer["prediction"] for key, answer in answers}


def _percent(scores: GroundingScores) -> dict[str, float]:
    fractions = {
        "acc_gqa": scores.accuracy_gqa,
        "mIoP": scores.mean_iop,
        "IoP@0.3": scores.iop_at[0.3],
        "IoP@0.5": scores.iop_at[0.5],
        "mIoU": scores.mean_iou,
        "IoU@0.3": scores.iou_at[0.3],
        "IoU@0.5": scores.iou_at[0.5],
    }
    return {name: 100 * value for name, value in fractions.items()}


def test_the_official_evaluator_gives_the_same_scores(golden: Json) -> None:
    for case in golden["cases"]:
        expected = case["expected"]
        if expected["error"]:
            continue
        scores = _score(case, case["subset"])
        ours = _percent(scores)
        assert ours == pytest.approx({name: expected[name] for name in ours}, abs=1e-6)
        assert scores.grounded == expected["questions_counted"]
        every = _score(case, None).per_question
        for key, pair in expected["per_question_iou_iop"].items():
            assert every[key] == pytest.approx(tuple(pair), abs=1e-6)


def test_grouped_answer_accuracy_is_the_official_one(golden: Json) -> None:
    cases = [case for case in golden["cases"] if case.get("expected_qa_accuracy")]
    assert cases
    for case in cases:
        types = {f"{item['video_id']}_{item['qid']}": item["type"] for item in case["questions"]}
        ours = grounded_qa.accuracy_by_group(types, _right(case))
        expected = case["expected_qa_accuracy"]
        wanted = {**expected["groups"], "Acc": expected["Acc"]}
        assert {name: 100 * value for name, value in ours.items()} == pytest.approx(
            wanted, abs=1e-6
        )


def test_one_pair_of_spans_is_the_official_one(golden: Json) -> None:
    for unit in golden["unit_iou"]:
        ours = grounded_qa.overlaps(unit["gt"], unit["pred"])
        assert ours == pytest.approx((unit["raw_iou"], unit["raw_iop"]), abs=1e-6)


# --- where the official evaluator fails, or hides something --------------------------------------

TRUTH = {"v_0": [[5.0, 15.0]], "v_1": [[0.0, 10.0], [20.0, 30.0]]}


def test_a_grounded_question_without_an_answer_is_wrong() -> None:
    assert evaluate(TRUTH, {"v_0": [5, 15]}, {}).accuracy_gqa == 0


def test_no_grounded_question_has_no_score() -> None:
    scores = evaluate(TRUTH, {"zzz_1": [0, 1]}, {})
    assert math.isnan(scores.mean_iop)
    assert scores.coverage == 0


def test_ungrounded_questions_can_count_as_wrong() -> None:
    spans, right = {"v_0": [5, 15]}, {"v_0": True, "v_1": True}
    official = evaluate(TRUTH, spans, right)
    assert (official.accuracy_gqa, official.coverage) == (1, 0.5)
    honest = evaluate(TRUTH, spans, right, missing="zero")
    assert (honest.accuracy_gqa, honest.mean_iou, honest.iop_at[0.5]) == (0.5, 0.5, 0.5)


def test_spans_without_length_are_counted() -> None:
    scores = evaluate(TRUTH, {"v_0": [6, 6], "v_1": [1, 2]}, {})
    assert (scores.points, scores.per_question["v_0"]) == (1, (0, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate(TRUTH, {"v_0": [5]}, {}), "span of 'v_0' must be"),
        (lambda: grounded_qa.accuracy_by_group({"q": "DO"}, {}), "has type 'DO'"),
    ],
    ids=["one number", "unknown type"],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(EvalError, match=message):
        call()


# --- properties ----------------------------------------------------------------------------------

seconds = st.integers(0, 40).map(float)
spans = st.tuples(seconds, seconds)
ordered = spans.map(sorted).filter(lambda span: span[0] < span[1])
truths = st.dictionaries(st.sampled_from("abcd"), st.lists(ordered, min_size=1, max_size=3))
predictions = st.dictionaries(st.sampled_from("abcd"), spans)
answers = st.dictionaries(st.sampled_from("abcd"), st.booleans())


@given(truth=truths, predicted=predictions, right=answers)
def test_scores_are_fractions_and_iop_is_at_least_iou(
    truth: Any, predicted: Any, right: Any
) -> None:
    scores = evaluate(truth, predicted, right, missing="zero")
    if not truth:
        assert math.isnan(scores.mean_iou)
        return
    assert 0 <= scores.mean_iou <= scores.mean_iop + 1e-12
    assert scores.mean_iop <= 1 + 1e-12
    assert scores.accuracy_gqa <= scores.iop_at[0.5]


@given(truth=truths.filter(bool))
def test_the_annotated_span_and_answer_are_perfect(truth: Any) -> None:
    spans = {key: found[0] for key, found in truth.items()}
    scores = evaluate(truth, spans, dict.fromkeys(truth, True))
    assert _percent(scores) == pytest.approx(dict.fromkeys(_percent(scores), 100.0))


@given(truth=truths, predicted=predictions, right=answers, data=st.data())
def test_order_is_irrelevant(truth: Any, predicted: Any, right: Any, data: st.DataObject) -> None:
    other = {key: data.draw(st.permutations(truth[key])) for key in reversed(truth)}
    before, after = evaluate(truth, predicted, right), evaluate(other, predicted, right)
    assert _percent(before) == pytest.approx(_percent(after), nan_ok=True)
