"""What a report says, as numbers: accuracies, paired differences, and what to know beside.

Nothing in it depends on when or how fast a run was made: the same answers give the same
report, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from reelgraph.errors import EvalError
from reelgraph.eval.log import Record, Run, RunLog
from reelgraph.eval.report.comparisons import Comparison, comparisons_of, pairs_of
from reelgraph.eval.report.systems import Frozen, System, named_systems, system_of

__all__ = ["Report", "summarize"]

_FEW = 20
"""Below so many videos the bootstrap promises too much."""


class Report(Frozen):
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
    summaries = tuple(system_of(name, found, groups) for name, found in systems.items())
    comparisons = comparisons_of(systems, pairs_of(list(systems), pairs))
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


def _title(logs: Sequence[RunLog], systems: Sequence[System]) -> str:
    models = ", ".join(dict.fromkeys(log.header.model for log in logs))
    arms = "1 arm" if len(systems) == 1 else f"{len(systems)} arms"
    return f"{logs[0].header.benchmark}: {arms}, {models}"


def _chance(records: Sequence[Record]) -> float:
    shares = [1 / len(r.choices) for r in {r.question_id: r for r in records}.values() if r.choices]
    return math.fsum(shares) / len(shares) if shares else math.nan


def _different_files(logs: Sequence[RunLog]) -> list[str]:
    """Return names of files that two runs read in different versions."""
    versions: dict[str, set[str]] = {}
    for log in logs:
        for name, digest in log.header.data.items():
            versions.setdefault(name, set()).add(digest)
    return sorted(name for name, digests in versions.items() if len(digests) > 1)


def _notes(
    logs: Sequence[RunLog], systems: Sequence[System], comparisons: Sequence[Comparison]
) -> Iterable[str]:
    if names := _different_files(logs):
        yield f"The runs read different versions of {', '.join(names)}: compare with care."
    for log in logs:
        if left_out := log.header.config.get("left_out"):
            yield f"{left_out}."
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
    if 1 < videos < _FEW:
        yield (
            f"There are only {videos} videos: bootstrap intervals are too narrow then; "
            "trust the t interval and the sign-flip test."
        )
