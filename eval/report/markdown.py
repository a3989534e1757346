"""The report as Markdown: tables that read well in a terminal, a diff and a web page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from reelgraph.eval.report.comparisons import Comparison
from reelgraph.eval.report.summary import Report
from reelgraph.eval.report.systems import System
from reelgraph.eval.report.wording import (
    UNKNOWN,
    between,
    columns,
    group_title,
    made_from,
    p_value,
    percent,
    points,
    points_between,
    verdict,
)
from reelgraph.eval.stats import Estimate

__all__ = ["markdown"]

_SPECIAL = re.compile(r"[\\`*{}\[\]<>#|~]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for its own; an underscore inside a word it leaves alone."""


def markdown(report: Report) -> str:
    """Return a report as Markdown; the same report gives the same text."""
    sections = [
        [f"# {_plain(report.title)}", *_facts(report)],
        ["## Accuracy", *_accuracy(report), _METHOD],
        *([["## By question type", *_by_type(report)]] if len(columns(report)) > 1 else []),
        *([["## Paired differences", *_paired(report)]] if report.comparisons else []),
        *[["### " + _versus(c), *_paired_types(c)] for c in report.comparisons if c.types],
        *([["## When it was", *_grounding(report)]] if _grounded(report) else []),
        *([["## Further scores", *_scores(report)]] if _named_scores(report) else []),
        *(
            [["## Read with this", *(f"- {_plain(note)}" for note in report.notes)]]
            if report.notes
            else []
        ),
        ["## Made from", *_runs(report)],
    ]
    return "\n\n".join("\n".join(_spaced(lines)) for lines in sections) + "\n"


_METHOD = (
    "Intervals are 95 % cluster-bootstrap intervals over videos. A reply that names no option, "
    "a failed request and an abstention are wrong, and counted apart."
)


def _spaced(lines: Sequence[str]) -> Iterator[str]:
    """Put an empty line between a heading, a paragraph, a list and a table."""
    before = ""
    for line in lines:
        if before and (_sort(line) == "text" or _sort(line) != _sort(before)):
            yield ""
        yield line
        before = line


def _sort(line: str) -> str:
    return {"|": "table", "-": "list", "#": "heading"}.get(line[:1], "text")


def _plain(text: str) -> str:
    """Escape what Markdown would take for its own."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table whose first column is text and whose others are numbers."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join(['---', *['---:'] * (len(heads) - 1)])}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _facts(report: Report) -> Iterator[str]:
    estimates = [system.accuracy[0].estimate for system in report.systems if system.accuracy]
    if estimates:
        most = max(estimates, key=lambda item: item.questions)
        chance = "" if math.isnan(report.chance) else f" Chance is {percent(report.chance, 1)} %."
        yield f"{most.questions} questions on {most.clusters} videos.{chance}"
    for comparison in report.comparisons:
        yield f"- {_plain(verdict(comparison))}"


def _accuracy(report: Report) -> Iterator[str]:
    heads = ["Arm", "Accuracy %", "95 % interval", "Right", "Graded", "Not parsed", "Abstained",
             "Failed", "Tokens in", "Tokens out"]  # fmt: skip
    yield from _table(heads, map(_accuracy_row, report.systems))


def _accuracy_row(system: System) -> list[str]:
    counts = system.counts
    whole = system.accuracy[0].estimate if system.accuracy else None
    return [
        _plain(system.name),
        percent(whole.value) if whole else UNKNOWN,
        between(whole) if whole else UNKNOWN,
        *map(str, (counts.right, counts.graded, counts.unparsed, counts.abstained, counts.failed)),
        f"{counts.input_tokens:,}",
        f"{counts.output_tokens:,}",
    ]


def _by_type(report: Report) -> Iterator[str]:
    names = [system.name for system in report.systems]
    heads = ["Questions", "Number", *map(_plain, names)]
    yield from _table(heads, (_type_row(report, group) for group in columns(report)))


def _type_row(report: Report, group: str) -> list[str]:
    found = [system.by_group.get(group) for system in report.systems]
    number = max((item.questions for item in found if item), default=0)
    return [_plain(group_title(group)), str(number), *map(_cell, found)]


def _cell(estimate: Estimate | None) -> str:
    return f"{percent(estimate.value)} ({between(estimate)})" if estimate else UNKNOWN


def _versus(comparison: Comparison) -> str:
    return f"{_plain(comparison.first)} against {_plain(comparison.second)}, by type"


_PAIRED = ["Points", "95 % interval", "t interval", "Only first right", "Only second right",
           "McNemar p", "Holm p"]  # fmt: skip


def _paired(report: Report) -> Iterator[str]:
    heads = ["First against second", "Questions", *_PAIRED, "Sign-flip p", "Detectable"]
    yield from _table(heads, map(_paired_row, report.comparisons))
    yield (
        "McNemar's exact test takes questions as independent; the sign-flip test flips whole "
        "videos. Holm corrects for all comparisons here. *Detectable* is the true difference, in "
        "points, that as many questions with as much disagreement would show in four of five runs."
    )


def _paired_row(comparison: Comparison) -> list[str]:
    found = comparison.difference
    value, table = found.estimate, found.mcnemar
    t_interval = UNKNOWN
    if value.clusters > 1:
        t_interval = f"{points(value.t_low)} to {points(value.t_high)}"
    return [
        f"{_plain(comparison.first)} against {_plain(comparison.second)}",
        str(value.questions),
        points(value.value),
        points_between(value),
        t_interval,
        str(table.only_first),
        str(table.only_second),
        p_value(table.p_value),
        p_value(comparison.holm_p),
        p_value(found.sign_flip_p),
        percent(comparison.detectable, 1),
    ]


def _paired_types(comparison: Comparison) -> Iterator[str]:
    heads = ["Type", "Questions", "Points", "95 % interval", "Only first right",
             "Only second right", "McNemar p", "Holm p", "BH p"]  # fmt: skip
    rows = (
        [
            _plain(group_title(item.group)),
            str(item.difference.estimate.questions),
            points(item.difference.estimate.value),
            points_between(item.difference.estimate),
            str(item.difference.mcnemar.only_first),
            str(item.difference.mcnemar.only_second),
            p_value(item.difference.mcnemar.p_value),
            p_value(item.holm_p),
            p_value(item.bh_p),
        ]
        for item in comparison.types
    )
    yield from _table(heads, rows)


def _grounded(report: Report) -> bool:
    return any(system.grounding for system in report.systems)


def _grounding(report: Report) -> Iterator[str]:
    heads = ["Arm", "Questions", "Says when %", "mIoP %", "mIoU %", "IoP@0.5 %", "Acc@GQA %"]
    rows = []
    for system in report.systems:
        if found := system.grounding:
            shares = (found.coverage, found.mean_iop, found.mean_iou, found.iop_at_half)
            rows.append(
                [
                    _plain(system.name),
                    str(found.questions),
                    *map(percent, (*shares, found.accuracy_gqa)),
                ]
            )
    yield from _table(heads, rows)
    yield "Questions for which an arm does not say when count as 0, unlike in NExT-GQA's script."


def _named_scores(report: Report) -> list[str]:
    return sorted({name for system in report.systems for name in system.scores})


def _scores(report: Report) -> Iterator[str]:
    names = _named_scores(report)
    rows = (
        [_plain(system.name), *(percent(system.scores.get(name, float("nan"))) for name in names)]
        for system in report.systems
    )
    yield from _table(["Arm", *(f"{_plain(name)} %" for name in names)], rows)


def _runs(report: Report) -> Iterator[str]:
    for run in report.runs:
        yield f"- benchmark {_plain(run.benchmark)}, model {_plain(run.model)}"
        yield from (f"- {title}: {_plain(text)}" for title, text in made_from(run))
