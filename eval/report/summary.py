"""What a report says, as numbers: accuracies, paired differences, grounding, and counts.

Nothing in it depends on when or how fast a run was made: the same answers give the same
report, byte for byte.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

from reelgraph.errors import EvalError
from reelgraph.eval import stats
from reelgraph.eval.log import Record, Run, RunLog
from reelgraph.eval.metrics import grounded_qa

__all__ = [
    "ALL",
    "Answers",
    "Comparison",
    "Counts",
    "Grounding",
    "GroupAccuracy",
    "GroupComparison",
    "Report",
    "System",
    "named_systems",
    "paired_records",
    "summarize",
]

ALL: Final = "all"
"""Name of the group of all questions."""

_MAX_ALL_PAIRS = 6


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Counts(_Frozen):
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


class GroupAccuracy(_Frozen):
    """Accuracy on a group of questions; see `reelgraph.eval.stats.Estimate`.

    Attributes:
        group: A question type, a larger group of types, or `ALL`.
        estimate: Accuracy with its intervals over videos.
    """

    group: str
    estimate: stats.Estimate


class Grounding(_Frozen):
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


class System(_Frozen):
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


class GroupComparison(_Frozen):
    """A paired difference on one question type.

    Attributes:
        group: The type.
        difference: The first system's accuracy less the second's.
        holm_p: McNemar's p-value, corrected for all types by Holm.
        bh_p: The same by Benjamini and Hochberg.
    """

    group: str
    difference: stats.Difference
    holm_p: float
    bh_p: float


class Comparison(_Frozen):
    """Two systems on the questions that both were asked.

    Attributes:
        first: Name of the system that is expected to be better.
        second: Name of the other.
        difference: The first's accuracy less the second's.
        holm_p: McNemar's p-value, corrected for all comparisons of the report by Holm.
        detectable: The true difference that so many questions, with this share of disagreement
            and this clustering, find in four of five runs; NaN if there is none.
        types: The same by question type.
    """

    first: str
    second: str
    difference: stats.Difference
    holm_p: float
    detectable: float
    types: tuple[GroupComparison, ...]


class Report(_Frozen):
    """Everything that a report says of one or more runs on a benchmark.

    Attributes:
        title: What was run on what.
        runs: Headers of the runs, without the time of their making.
        systems: The arms.
        comparisons: Paired differences.
        groups: Larger groups of question types, in order.
        types: Question types, in order.
        chance: Expected share of right answers of who chooses at random; NaN for open
            questions.
        notes: What a reader must know, one sentence each.
    """

    title: str
    runs: tuple[Run, ...]
    systems: tuple[System, ...]
    comparisons: tuple[Comparison, ...]
    groups: tuple[str, ...]
    types: tuple[str, ...]
    chance: float
    notes: tuple[str, ...] = ()


Records: TypeAlias = Mapping[str, Record]
"""Records of a system by question id."""


class Answers(NamedTuple):
    """What one arm of one run answered."""

    log: RunLog
    arm: str
    records: dict[str, Record]


def summarize(logs: Sequence[RunLog], *, pairs: Sequence[tuple[str, str]] | None = None) -> Report:
    """Count what one or more runs on a benchmark found.

    Args:
        logs: The runs, as `reelgraph.eval.log.read_run` reads them.
        pairs: Names of systems to compare, the one expected to be better first. By default
            all pairs of up to six systems, later against earlier; of more, each against the
            first.

    Raises:
        EvalError: If there is no run, the runs are on different benchmarks, a pair names an
            unknown system, or two systems share no question.
    """
    if not logs:
        raise EvalError("name at least one run to report")
    if len({log.header.benchmark for log in logs}) > 1:
        names = sorted({log.header.benchmark for log in logs})
        raise EvalError(f"one report is about one benchmark, got runs on {names}")
    systems = named_systems(logs)
    groups = {kind: group for log in logs for kind, group in log.header.groups.items()}
    records = [record for found in systems.values() for record in found.records.values()]
    types = tuple(sorted({record.type for record in records} - {""}))
    summaries = tuple(_system(name, found, groups) for name, found in systems.items())
    comparisons = _comparisons(systems, _pairs(list(systems), pairs))
    return Report(
        title=_title(logs, summaries),
        runs=tuple(log.header.model_copy(update={"created": ""}) for log in logs),
        systems=summaries,
        comparisons=comparisons,
        groups=tuple(dict.fromkeys(group for kind, group in groups.items() if kind in types)),
        types=types,
        chance=_chance(records),
        notes=tuple(_notes(logs, summaries, comparisons)),
    )


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


def _title(logs: Sequence[RunLog], systems: Sequence[System]) -> str:
    models = ", ".join(dict.fromkeys(log.header.model for log in logs))
    arms = "1 arm" if len(systems) == 1 else f"{len(systems)} arms"
    return f"{logs[0].header.benchmark}: {arms}, {models}"


def _chance(records: Sequence[Record]) -> float:
    shares = [1 / len(r.choices) for r in {r.question_id: r for r in records}.values() if r.choices]
    return math.fsum(shares) / len(shares) if shares else math.nan


def _system(name: str, answers: Answers, groups: Mapping[str, str]) -> System:
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


def _pairs(names: Sequence[str], wanted: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    if wanted is not None:
        for name in itertools.chain.from_iterable(wanted):
            if name not in names:
                raise EvalError(f"there is no arm {name!r} to compare; there are {[*names]}")
        return list(wanted)
    if len(names) > _MAX_ALL_PAIRS:
        return [(name, names[0]) for name in names[1:]]
    return [(later, earlier) for earlier, later in itertools.combinations(names, 2)]


def paired_records(first: Records, second: Records) -> list[tuple[Record, Record]]:
    """Return the records of the questions that both systems were asked and that are graded."""
    return [
        (record, second[key])
        for key, record in first.items()
        if key in second and record.correct is not None and second[key].correct is not None
    ]


def _comparisons(
    systems: Mapping[str, Answers], pairs: Sequence[tuple[str, str]]
) -> tuple[Comparison, ...]:
    found = []
    for first, second in pairs:
        sides = systems[first].records, systems[second].records
        if rows := paired_records(*sides):
            found.append((first, second, rows))
        elif all(any(r.correct is not None for r in side.values()) for side in sides):
            raise EvalError(f"arms {first!r} and {second!r} share no question to compare them on")
    differences = [_difference(rows) for _, _, rows in found]
    adjusted = stats.adjust_holm([item.mcnemar.p_value for item in differences])
    return tuple(
        Comparison(
            first=first,
            second=second,
            difference=difference,
            holm_p=p_value,
            detectable=_detectable(rows),
            types=_by_type(rows),
        )
        for (first, second, rows), difference, p_value in zip(
            found, differences, adjusted, strict=True
        )
    )


def _sides(rows: Sequence[tuple[Record, Record]]) -> tuple[list[bool], list[bool], list[str]]:
    return (
        [bool(a.correct) for a, _ in rows],
        [bool(b.correct) for _, b in rows],
        [a.cluster for a, _ in rows],
    )


def _difference(rows: Sequence[tuple[Record, Record]]) -> stats.Difference:
    return stats.difference(*_sides(rows))


def _by_type(rows: Sequence[tuple[Record, Record]]) -> tuple[GroupComparison, ...]:
    kinds = [record.type for record, _ in rows]
    if len(set(kinds)) < 2:
        return ()
    return tuple(
        GroupComparison(
            group=item.group, difference=item.difference, holm_p=item.holm_p, bh_p=item.bh_p
        )
        for item in stats.differences_by_group(*_sides(rows), kinds)
    )


def _detectable(rows: Sequence[tuple[Record, Record]]) -> float:
    first, second, clusters = _sides(rows)
    changes = [float(a) - float(b) for a, b in zip(first, second, strict=True)]
    discordant = sum(map(abs, changes)) / len(changes)
    effect = stats.design_effect(changes, clusters)
    if not discordant or not effect > 0:
        return math.nan
    return stats.minimum_detectable_difference(
        len(rows), discordant=discordant, design_effect=effect
    )


def _notes(
    logs: Sequence[RunLog], systems: Sequence[System], comparisons: Sequence[Comparison]
) -> Iterable[str]:
    for log in logs:
        if log.missing > 0:
            yield (
                f"The run of {log.header.model} lacks {log.missing} of "
                f"{log.header.questions * len(log.arms)} answers; resume it before you conclude."
            )
        if log.header.shard:
            yield "This is shard {} of {}; merge all before you conclude.".format(*log.header.shard)
    for system in systems:
        counts = system.counts
        for count, what in (
            (counts.failed, "requests failed"),
            (counts.unparsed, "replies named no option"),
            (counts.abstained, "answers said that they could not tell"),
        ):
            if count:
                yield f"{system.name}: {count} of {counts.answered} {what}; they count as wrong."
    videos = min((c.difference.estimate.clusters for c in comparisons), default=math.inf)
    if videos < 20:
        yield (
            f"There are only {videos} videos: bootstrap intervals are too narrow then; "
            "trust the t interval and the sign-flip test."
        )
