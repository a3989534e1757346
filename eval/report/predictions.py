"""Answers that were made elsewhere, as records that can be reported and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from reelgraph.errors import EvalError
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.log import Record, Run, RunLog
from reelgraph.eval.scoring import is_right

__all__ = ["log_from_predictions", "records_from_predictions"]


def records_from_predictions(
    questions: Iterable[Question], predictions: Mapping[str, Any], *, arm: str = "predictions"
) -> tuple[Record, ...]:
    """Return one record for each question.

    Args:
        questions: The questions, with their right answers.
        predictions: By question id the chosen option's index (or the answer's text), or an
            object that holds it under ``prediction``, as NExT-QA's result files do. Answers
            to other questions are ignored; a question without one counts as not parsed.
        arm: Name of who answered.

    Raises:
        EvalError: If a prediction names no option, or none of the questions is answered.
    """
    items = list(questions)
    if not any(question.id in predictions for question in items):
        wanted = items[0].id if items else ""
        raise EvalError(
            f"the predictions answer none of the {len(items)} questions; their ids look like "
            f"{wanted!r}, the predictions' like {next(iter(predictions), '')!r}"
        )
    return tuple(_record(question, predictions.get(question.id), arm) for question in items)


def _record(question: Question, found: Any, arm: str) -> Record:
    value = found.get("prediction") if isinstance(found, Mapping) else found
    if question.choices and value is not None and not _names_option(value, question):
        raise EvalError(
            f"the prediction for {question.id!r} must be an index from 0 to "
            f"{len(question.choices) - 1}, got {value!r}"
        )
    return Record(
        question_id=question.id,
        video=question.video,
        cluster=question.video,
        type=question.type,
        arm=arm,
        question=question.text,
        choices=question.choices,
        gold="" if question.answer is None else question.answer,
        prediction=value,
        correct=is_right(question, value),
        parsed=value is not None,
        gold_spans=question.spans,
        duration_s=question.duration_s,
        model=arm,
    )


def _names_option(value: Any, question: Question) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and 0 <= value < len(question.choices)


def log_from_predictions(
    benchmark: Benchmark, predictions: Mapping[str, Any], *, arm: str = "predictions"
) -> RunLog:
    """Return answers that were made elsewhere as a run, which can be reported and compared.

    Args:
        benchmark: The questions.
        predictions: As for `records_from_predictions`.
        arm: Name of who answered.

    Raises:
        EvalError: If a prediction names no option, or none of the questions is answered.
    """
    records = records_from_predictions(benchmark.questions, predictions, arm=arm)
    ids = "\n".join(sorted(question.id for question in benchmark.questions))
    header = Run(
        benchmark=benchmark.name,
        data=dict(benchmark.files),
        questions=len(benchmark.questions),
        questions_hash=hashlib.sha256(ids.encode()).hexdigest(),
        groups=dict(benchmark.groups),
        arms={arm: {"answers": "made elsewhere"}},
        model=arm,
    )
    ordered = sorted(records, key=lambda record: (record.cluster, record.question_id))
    return RunLog(header=header, records=tuple(ordered))
