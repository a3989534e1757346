"""What one arm of a run did: counts, accuracies by group, grounding, further scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

from reelgraph.eval import stats
from reelgraph.eval.log import Record, RunLog
from reelgraph.eval.metrics import grounded_qa

__all__ = [
    "ALL",
    "Answers",
    "Counts",
    "Frozen",
    "Grounding",
    "GroupAccuracy",
    "Records",
    "System",
    "named_systems",
    "system_of",
]

ALL: Final = "all"
"""Name of the group of all questions."""

Records: TypeAlias = Mapping[str, Record]
"""Records of a system by question id."""


class Answers(NamedTuple):
    """What one arm of one run answered."""

    log: RunLog
    arm: str
    records: dict[str, Record]


class Frozen(BaseModel):
    """Base of what a report holds: frozen, and numbers that cannot be had are null in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Counts(Frozen):
    """What became of an arm's questions. Those counted apart are wrong all the same.

    Attributes:
        questions: Questions that the run has.
        answered: Records in the log.
        graded: Those whose right answer is known; accuracy is over them.
        right: Right answers.
        unparsed: Replies that named no option: wrong, never guessed.
        abstained: Replies that said they could not tell: wrong.
        failed: Requests that failed: wrong.
        model_calls: Calls of the model.
        input_tokens: Tokens that went in.
        output_tokens: Tokens that came out.
    """

    questions: int
    answered: int
    graded: int
    right: int
    unparsed: int
    abstained: int
    failed: int
    model_calls: int
    input_tokens: int
    output_tokens: int


class GroupAccuracy(Frozen):
    """Accuracy on a group of questions; see `reelgraph.eval.stats.Estimate`.

    Attributes:
        group: A question type, a larger group of types, or `ALL`.
        estimate: Accuracy with its intervals over videos.
    """

    group: str
    estimate: stats.Estimate


class Grounding(Frozen):
    """How well an arm says when, in NExT-GQA's measures; ungrounded questions count as 0.

    Attributes:
        questions: Questions with annotated spans.
        coverage: Share of them for which the arm says when.
        mean_iop: Mean IoP.
        mean_iou: Mean IoU.
        iop_at_half: Share with IoP of at least 0.5.
        accuracy_gqa: Share with IoP of at least 0.5 and the right answer.
    """

    questions: int
    coverage: float
    mean_iop: float
    mean_iou: float
    iop_at_half: float
    accuracy_gqa: float


class System(Frozen):
    """One arm of one run.

    Attributes:
        name: The arm, with its run or model where several runs are reported.
        arm: The arm.
        model: The model.
        definition: What the arm was shown.
        counts: What became of its questions.
        accuracy: Accuracy on all questions, the groups and the types.
        grounding: How well it says when; None if nobody annotated it or it never says.
        scores: Means of further scores by name, such as WUPS.
    """

    name: str
    arm: str
    model: str
    definition: Mapping[str, JsonValue]
    counts: Counts
    accuracy: tuple[GroupAccuracy, ...]
    grounding: Grounding | None = None
    scores: Mapping[str, float] = {}

    @cached_property
    def by_group(self) -> dict[str, stats.Estimate]:
        """Accuracies by name of the group."""
        return {item.group: item.estimate for item in self.accuracy}


def named_systems(logs: Sequence[RunLog]) -> dict[str, Answers]:
    """Return the answers of each arm under a name that is its own."""
    arms = [arm for log in logs for arm in log.arms]
    found: dict[str, Answers] = {}
    for number, log in enumerate(logs, start=1):
        for arm in log.arms:
            name = arm if arms.count(arm) == 1 else f"{arm} ({log.header.model})"
            if name in found:
                name = f"{arm} ({log.header.model}, run {number})"
            found[name] = Answers(log, arm, {r.question_id: r for r in log.of(arm)})
    return found


def system_of(name: str, answers: Answers, groups: Mapping[str, str]) -> System:
    """Return what an arm did.

    Args:
        name: Its name in the report.
        answers: Its answers.
        groups: Larger groups of question types, type to group.
    """
    log, arm, records = answers
    graded = [record for record in records.values() if record.correct is not None]
    named = {group: [r for r in graded if groups.get(r.type) == group] for group in groups.values()}
    typed = {
        kind: [r for r in graded if r.type == kind] for kind in sorted({r.type for r in graded})
    }
    typed.pop("", None)
    # A type may be named as its group; the group comes first.
    parts = {ALL: graded, **{key: rows for key, rows in named.items() if rows}}
    parts |= {key: rows for key, rows in typed.items() if key not in parts}
    return System(
        name=name,
        arm=arm,
        model=log.header.model,
        definition=log.header.arms.get(arm, {}),
        counts=_counts(log.header.questions, list(records.values())),
        accuracy=tuple(
            GroupAccuracy(group=key, estimate=_accuracy(rows))
            for key, rows in parts.items()
            if rows
        ),
        grounding=_grounding(records.values()),
        scores=_mean_scores(records.values()),
    )


def _accuracy(records: Sequence[Record]) -> stats.Estimate:
    return stats.accuracy([bool(r.correct) for r in records], [r.cluster for r in records])


def _counts(questions: int, records: Sequence[Record]) -> Counts:
    usage = [record.usage for record in records]
    return Counts(
        questions=questions,
        answered=len(records),
        graded=sum(record.correct is not None for record in records),
        right=sum(record.correct is True for record in records),
        unparsed=sum(not r.parsed and r.error is None and not r.abstained for r in records),
        abstained=sum(record.abstained for record in records),
        failed=sum(record.error is not None for record in records),
        model_calls=sum(item.model_calls for item in usage),
        input_tokens=sum(item.input_tokens for item in usage),
        output_tokens=sum(item.output_tokens for item in usage),
    )


def _grounding(records: Iterable[Record]) -> Grounding | None:
    """Score when the answers say it was; several predicted spans are taken as their hull."""
    told = [record for record in records if record.gold_spans]
    if not any(record.predicted_spans for record in told):
        return None
    found = grounded_qa.evaluate(
        {record.question_id: record.gold_spans for record in told},
        {record.question_id: _hull(record) for record in told if record.predicted_spans},
        {record.question_id: bool(record.correct) for record in told},
        missing="zero",
    )
    return Grounding(
        questions=found.questions,
        coverage=found.coverage,
        mean_iop=found.mean_iop,
        mean_iou=found.mean_iou,
        iop_at_half=found.iop_at[0.5],
        accuracy_gqa=found.accuracy_gqa,
    )


def _hull(record: Record) -> tuple[float, float]:
    spans = record.predicted_spans
    return min(start for start, _ in spans), max(end for _, end in spans)


def _mean_scores(records: Iterable[Record]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.scores.items():
            values.setdefault(name, []).append(value)
    return {name: math.fsum(found) / len(found) for name, found in sorted(values.items())}
