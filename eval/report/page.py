"""The report as one HTML file: charts, tables and every single answer, without a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from urllib.parse import quote

from reelgraph._page import fill_page, script_json
from reelgraph.eval.log import RunLog
from reelgraph.eval.report import charts
from reelgraph.eval.report.answers import answer_data
from reelgraph.eval.report.comparisons import Comparison, GroupComparison
from reelgraph.eval.report.summary import Report
from reelgraph.eval.report.systems import System
from reelgraph.eval.report.wording import (
    UNKNOWN,
    between,
    columns,
    definition,
    group_title,
    made_from,
    p_value,
    percent,
    points,
    points_between,
    verdict,
)
from reelgraph.eval.stats import Difference, Estimate

__all__ = ["page"]


def page(report: Report, logs: Sequence[RunLog]) -> str:
    """Return a report as an HTML file that asks nothing of the network.

    Style, script and answers are in it, and its Content-Security-Policy lets no other script
    run. The same report gives the same page, byte for byte.

    Args:
        report: What `reelgraph.eval.report.summary.summarize` made of the runs.
        logs: The runs: their questions, answers, evidence and graph texts are shown.
    """
    blanks = {
        "title": escape(report.title),
        "facts": "".join(_facts(report)),
        "accuracy": "".join(_accuracy(report)),
        "types": "".join(_types(report)),
        "paired": "".join(_paired(report)),
        "more": "".join(_more(report)),
        "runs": "".join(_runs(report)),
        "data": script_json(answer_data(report, logs)),
    }
    return fill_page("reelgraph.eval.report", ["page.js"], blanks)


def _cells(cells: Iterable[str], tag: str = "td") -> str:
    return "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)


def _table(heads: Sequence[str], rows: Iterable[str], name: str = "") -> Iterator[str]:
    """Yield a table; heads and rows are HTML already."""
    yield f'<div class="wide"><table class="{name}"><thead><tr>{_cells(heads, "th")}</tr></thead>'
    yield "<tbody>"
    yield from (f"<tr>{row}</tr>" for row in rows)
    yield "</tbody></table></div>"


def _facts(report: Report) -> Iterator[str]:
    estimates = [system.accuracy[0].estimate for system in report.systems if system.accuracy]
    if estimates:
        most = max(estimates, key=lambda item: item.questions)
        yield f"<p>{most.questions:,} questions on {most.clusters:,} videos.</p>"
    sentences = [verdict(comparison) for comparison in report.comparisons]
    if sentences:
        yield f"<ul>{_cells(map(escape, sentences), 'li')}</ul>"
    if report.notes:
        yield f'<ul class="notes">{_cells(map(escape, report.notes), "li")}</ul>'


def _accuracy(report: Report) -> Iterator[str]:
    heads = ["Arm", "0 to 100 %", "Accuracy %", "95 % interval", "Right", "Graded",
             "Not parsed", "Abstained", "Failed", "Tokens in / out"]  # fmt: skip
    yield from _table(heads, (_accuracy_row(report, item) for item in report.systems), "numbers")


def _accuracy_row(report: Report, system: System) -> str:
    counts = system.counts
    whole = system.accuracy[0].estimate if system.accuracy else None
    name = f"<b>{escape(system.name)}</b><small>{escape(definition(system))}</small>"
    cells = [
        name,
        charts.accuracy_bar(whole, report.chance) if whole else "",
        percent(whole.value) if whole else UNKNOWN,
        between(whole) if whole else UNKNOWN,
        *(f"{n:,}" for n in (counts.right, counts.graded)),
        *(f"{n:,}" for n in (counts.unparsed, counts.abstained, counts.failed)),
        f"{counts.input_tokens:,} / {counts.output_tokens:,}",
    ]
    return _cells(cells)


def _types(report: Report) -> Iterator[str]:
    shown = columns(report)
    if len(shown) < 2:
        yield "<p>The questions have no types.</p>"
        return
    values = [item.estimate.value for system in report.systems for item in system.accuracy]
    low, high = min(values), max(values)
    sizes = [_size(report, group) for group in shown]
    heads = [
        f"{escape(group_title(group))}<small>{size:,}</small>"
        for group, size in zip(shown, sizes, strict=True)
    ]
    rows = (_heat_row(system, shown, low, high) for system in report.systems)
    yield from _table(["Arm", *heads], rows, "heat")


def _size(report: Report, group: str) -> int:
    found = (system.by_group.get(group) for system in report.systems)
    return max((item.questions for item in found if item), default=0)


def _heat_row(system: System, shown: Sequence[str], low: float, high: float) -> str:
    cells = [f"<td><b>{escape(system.name)}</b></td>"]
    for group in shown:
        estimate = system.by_group.get(group)
        cells.append(_heat_cell(estimate, low, high))
    return "".join(cells)


def _heat_cell(estimate: Estimate | None, low: float, high: float) -> str:
    if estimate is None:
        return '<td class="heat-none"></td>'
    name = charts.shade(estimate.value, low, high)
    interval = between(estimate)
    return f'<td class="{name}">{percent(estimate.value)}<small>{interval}</small></td>'


_OUTCOMES = ["Only first right", "Only second right", "McNemar p", "Holm p"]


def _paired(report: Report) -> Iterator[str]:
    if not report.comparisons:
        yield "<p>There is only one arm.</p>"
        return
    reach = charts.difference_range([c.difference.estimate for c in report.comparisons])
    heads = ["First against second", f"&minus;{percent(reach, 0)} to +{percent(reach, 0)} points",
             "Points", "95 % interval", "t interval", *_OUTCOMES, "Sign-flip p",
             "Detectable"]  # fmt: skip
    rows = (_pair_row(number, c, reach) for number, c in enumerate(report.comparisons))
    yield from _table(heads, rows, "numbers")
    for number, comparison in enumerate(report.comparisons):
        if comparison.types:
            yield f"<details><summary>{_versus(comparison)}, by question type</summary>"
            yield from _pair_types(number, comparison)
            yield "</details>"


def _versus(comparison: Comparison) -> str:
    return f"{escape(comparison.first)} against {escape(comparison.second)}"


def _pair_row(number: int, comparison: Comparison, reach: float) -> str:
    found = comparison.difference
    value = found.estimate
    t_interval = UNKNOWN
    if not math.isnan(value.t_low):
        t_interval = f"{points(value.t_low)} to {points(value.t_high)}"
    cells = [
        f"<b>{_versus(comparison)}</b><small>{value.questions:,} questions, "
        f"{value.clusters:,} videos</small>",
        charts.difference_whisker(value, reach),
        points(value.value),
        points_between(value),
        t_interval,
        *_links(number, found),
        escape(p_value(found.mcnemar.p_value)),
        escape(p_value(comparison.holm_p)),
        escape(p_value(found.sign_flip_p)),
        percent(comparison.detectable, 1),
    ]
    return _cells(cells)


def _links(number: int, found: Difference, group: str = "") -> tuple[str, str]:
    """Return the counts of wins and losses as links to these questions."""
    kind = f"&amp;type={quote(group, safe='')}" if group else ""
    table = found.mcnemar
    first, second = (
        f'<a href="#pair={number}&amp;only={side}{kind}">{count:,}</a>'
        for side, count in (("first", table.only_first), ("second", table.only_second))
    )
    return first, second


def _pair_types(number: int, comparison: Comparison) -> Iterator[str]:
    reach = charts.difference_range([item.difference.estimate for item in comparison.types])
    heads = ["Type", f"&minus;{percent(reach, 0)} to +{percent(reach, 0)} points", "Points",
             "95 % interval", *_OUTCOMES, "BH p"]  # fmt: skip
    rows = (_pair_type_row(number, item, reach) for item in comparison.types)
    yield from _table(heads, rows, "numbers")


def _pair_type_row(number: int, item: GroupComparison, reach: float) -> str:
    found = item.difference
    cells = [
        f"<b>{escape(group_title(item.group))}</b><small>{found.estimate.questions:,}</small>",
        charts.difference_whisker(found.estimate, reach),
        points(found.estimate.value),
        points_between(found.estimate),
        *_links(number, found, item.group),
        escape(p_value(found.mcnemar.p_value)),
        escape(p_value(item.holm_p)),
        escape(p_value(item.bh_p)),
    ]
    return _cells(cells)


def _more(report: Report) -> Iterator[str]:
    """Yield when it was, and further scores, where there are any."""
    grounded = [(system, system.grounding) for system in report.systems if system.grounding]
    if grounded:
        yield "<h2>When it was</h2><p>Questions for which an arm does not say when count as 0.</p>"
        heads = ["Arm", "Questions", "Says when %", "mIoP %", "mIoU %", "IoP@0.5 %", "Acc@GQA %"]
        rows = (
            _cells(
                [
                    f"<b>{escape(system.name)}</b>",
                    f"{found.questions:,}",
                    *map(percent, (found.coverage, found.mean_iop, found.mean_iou)),
                    *map(percent, (found.iop_at_half, found.accuracy_gqa)),
                ]
            )
            for system, found in grounded
        )
        yield from _table(heads, rows, "numbers")
    names = sorted({name for system in report.systems for name in system.scores})
    if names:
        yield "<h2>Further scores</h2>"
        cells = (
            [f"<b>{escape(s.name)}</b>", *(percent(s.scores.get(n, math.nan)) for n in names)]
            for s in report.systems
        )
        yield from _table(
            ["Arm", *(f"{escape(n)} %" for n in names)], map(_cells, cells), "numbers"
        )


def _runs(report: Report) -> Iterator[str]:
    for run in report.runs:
        rows = (f"<dt>{title}</dt><dd>{escape(text)}</dd>" for title, text in made_from(run))
        yield f"<h3>{escape(run.benchmark)}, {escape(run.model)}</h3><dl>{''.join(rows)}</dl>"
