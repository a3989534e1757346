"""What a graph costs as text, and what `focus` keeps of what a question needs.

    python -m benchmarks.graph_text --data ../shared/data [--json report.json]

Reads the 271 human graphs and the questions of ``nextqa_vidor/graphs.json``, and what
TRASER wrote about six videos (``pvsg_traser/preds``).

Cost: tokens per relation of every text format next to the JSON that TRASER writes for the
same facts (objects with their attributes, whole seconds, ends inclusive), by
the documented estimate, by characters, and by two real tokenizers where their packages
are installed: OpenAI's o200k (``pip install bpe-openai``) and TRASER's own, Qwen2.5
(``pip install tokenizers``, tables from ``traser_golden/tokenizer``).

Focus: a fact is needed if it overlaps the span that people marked for the question and
shares an entity with question or answer; `focus` sees only the question. For each budget,
a share of the tokens of the full event log, it prints the share of the needed facts that
are told: in the text that `to_text` writes for the focus ("same text": the less important
facts are rounded and grouped), and if only whole lines of the full log may be chosen;
next to random choices (mean of several seeds) and to the best possible one, which knows
the answer. The weights of `focus` were fitted on one half of the videos (by hash of the
name), "fitted"; "held out" is the other half.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import random
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from reelgraph.errors import QueryError
from reelgraph.graph.focus import ranking
from reelgraph.graph.focus_words import asked
from reelgraph.graph.formats.traser import read_traser
from reelgraph.graph.formats.vidstg import iter_vidstg
from reelgraph.graph.intervals import overlap
from reelgraph.graph.schema import Interval, SceneGraph
from reelgraph.graph.serialize import FORMATS, estimate_tokens, to_text
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.text_budget import Material, fitted
from reelgraph.graph.text_layouts import Prose

Counter: TypeAlias = Callable[[str], int]
SHARES = (0.1, 0.25, 0.5)
MANY = 12
SEEDS = 3
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


# -- what a graph costs ------------------------------------------------------------------


def traser_json(document: SceneGraph, *, whole_seconds: bool = True) -> str:
    """Return the facts of a document in the words of TRASER."""

    def pair(span: Interval) -> list[float]:
        if not whole_seconds:
            return [round(span.start, 1), round(span.end, 1)]
        first = math.floor(span.start)
        return [first, max(first, math.ceil(span.end) - 1)]

    objects = [{f"object {o.id}": o.label, "attributes": o.attributes} for o in document.objects]
    times: dict[tuple[int, str, int], list[list[float]]] = {}
    for r in document.relations:
        times.setdefault((r.subject, r.predicate, r.object), []).extend(map(pair, r.intervals))
    relations = [[*triple, sorted(spans)] for triple, spans in times.items()]
    return json.dumps({"objects": objects, "relationships": relations})


def barest(document: SceneGraph) -> str:
    """Return a line for each fact with nothing but ids, predicate and whole seconds.

    No log in which every line has its times and its relation's id is shorter.
    """
    lines = (
        f"{span.start:.0f}-{span.end:.0f} {r.subject} {r.predicate} {r.object} {r.id}"
        for r in document.relations
        for span in r.intervals
    )
    return "\n".join(lines)


def counters(data: Path) -> dict[str, Counter]:
    """Return every way of counting tokens that can be had here."""
    found: dict[str, Counter] = {"estimate": estimate_tokens, "characters": len}
    if importlib.util.find_spec("bpe_openai"):
        import bpe_openai

        encoding = bpe_openai.encoding_for_model("gpt-4o")
        found["o200k"] = lambda text: len(encoding.encode(text))
    if importlib.util.find_spec("tokenizers"):
        found["qwen2.5"] = qwen(data / "traser_golden" / "tokenizer")
    return found


def qwen(folder: Path) -> Counter:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    rows = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [tuple(row.split(" ")) for row in rows if row and not row.startswith("#version")]
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    split = pre_tokenizers.Split(Regex(QWEN), "isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def whole(document: SceneGraph) -> SceneGraph:
    """Return a document with its times rounded to whole seconds, as TRASER knows them."""
    relations = tuple(
        r.model_copy(
            update={"intervals": tuple(Interval(round(a), round(b)) for a, b in r.intervals)}
        )
        for r in document.relations
    )
    return document.model_copy(update={"relations": relations})


def texts(graph: TemporalGraph, traser: str | None = None) -> dict[str, str]:
    """Return a graph in every format, TRASER's JSON (as given, or as it would be) first."""
    document = graph.document
    seconds = TemporalGraph(whole(document))
    return {
        "traser json": traser or traser_json(document),
        "traser json, 0.1 s": traser_json(document, whole_seconds=False),
        **{name: to_text(graph, name) for name in FORMATS},
        "events, whole s": to_text(seconds, "events"),
        "triples, whole s": to_text(seconds, "triples"),
        "barest line": barest(document),
    }


def costs(written: Sequence[Mapping[str, str]], count: Counter, relations: int) -> dict[str, float]:
    """Return tokens per relation of each format."""
    return {name: sum(count(t[name]) for t in written) / relations for name in written[0]}


def predicted(data: Path) -> dict[TemporalGraph, str]:
    """Return what TRASER wrote about real videos, and its very text."""
    paths = sorted((data / "pvsg_traser" / "preds").glob("*.json"))
    return {TemporalGraph(read_traser(path)): path.read_text(encoding="utf-8") for path in paths}


def cost_report(graphs: Sequence[TemporalGraph], data: Path) -> dict[str, Any]:
    """Return the costs by way of counting and by group of graphs."""
    many = [graph for graph in graphs if len(graph.relations()) >= MANY]
    human = {
        f"{len(graphs)} human graphs": graphs,
        f"{len(many)} human graphs with >= {MANY} relations": many,
    }
    groups = {name: [(g, texts(g)) for g in chosen] for name, chosen in human.items()}
    own = predicted(data)
    groups[f"{len(own)} graphs by TRASER, attributes included"] = [
        (graph, texts(graph, text)) for graph, text in own.items()
    ]
    report: dict[str, Any] = {}
    for name, count in counters(data).items():
        report[name] = {
            group: costs([t for _, t in rows], count, sum(len(g.relations()) for g, _ in rows))
            for group, rows in groups.items()
        }
    return report


# -- what focus keeps --------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One question: what it asks of which graph, and which relations it needs."""

    graph: TemporalGraph
    question: str
    needed: frozenset[str]
    half: str


def cases(graphs: Mapping[str, TemporalGraph], data: Mapping[str, Any]) -> list[Case]:
    """Return the questions with a marked span that need any relation."""
    found = []
    for name, graph in graphs.items():
        odd = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2
        for row in data[name]["questions"]:
            needed = needs(graph, row) if row.get("gqa_spans_s") else frozenset()
            if needed:
                found.append(Case(graph, row["question"], needed, "held out" if odd else "fitted"))
    return found


def needs(graph: TemporalGraph, row: Mapping[str, Any]) -> frozenset[str]:
    """Return the relations in the marked span about what question and answer name."""
    spans = [Interval(*span) for span in row["gqa_spans_s"]]
    answer = row["answer"]
    answer = row["options"][answer] if isinstance(answer, int) else answer
    named = asked(graph, f"{row['question']} {answer}", graph.video.duration_s).named
    return frozenset(
        r.id
        for r in graph.relations()
        if any(overlap(a, b) for a in r.intervals for b in spans)
        and (r.subject in named or r.object in named)
    )


def told(case: Case, scores: Mapping[str, float], budget: int) -> float:
    """Return the share of the needed facts that a log by these scores tells."""
    material, layout = Material(case.graph, scores), Prose(case.graph).events
    try:
        chosen = fitted(material, layout, budget, estimate_tokens)
    except QueryError:  # the budget holds no part of a tiny graph
        return 0.0
    ids = {fact.relation.id for fact in (*chosen.exact, *chosen.brief)}
    return len(case.needed & ids) / len(case.needed)


def lines_told(case: Case, order: Sequence[str], budget: int) -> float:
    """Return the share of the needed facts among the first whole lines that fit."""
    lines = {}
    for line in to_text(case.graph).splitlines():
        if match := re.search(r" (r\d+)$", line):
            lines[match[1]] = estimate_tokens(line) + 1
    left, kept = budget, set()
    for name in order:
        left -= lines[name]
        if left < 0:
            break
        kept.add(name)
    return len(case.needed & kept) / len(case.needed)


def kept(case: Case, share: float) -> dict[str, float]:
    """Return what each way of choosing keeps of the needed facts."""
    budget = int(share * estimate_tokens(to_text(case.graph)))
    scores = {item.relation_id: item.score for item in ranking(case.graph, case.question)}
    best = {name: 1.0 if name in case.needed else 1e-6 for name in scores}
    draws = [random.Random(seed) for seed in range(SEEDS)]
    chance = [{name: 2 ** (20 * draw.random()) for name in sorted(scores)} for draw in draws]
    return {
        "focus": told(case, scores, budget),
        "random, same text": statistics.mean(told(case, drawn, budget) for drawn in chance),
        "best, same text": told(case, best, budget),
        "focus, whole lines": lines_told(case, ordered(scores), budget),
        "random lines": statistics.mean(
            lines_told(case, ordered(drawn), budget) for drawn in chance
        ),
        "best lines": lines_told(case, ordered(best), budget),
    }


def ordered(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda name: -scores[name])


def means(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    rows = list(rows)
    return {name: statistics.mean(row[name] for row in rows) for name in rows[0]}


def focus_report(found: Sequence[Case]) -> dict[str, Any]:
    """Return the mean share kept for each group of questions and each budget."""
    results = {share: [kept(case, share) for case in found] for share in SHARES}
    report: dict[str, Any] = {}
    for size, least in (("all graphs", 0), (f">= {MANY} relations", MANY)):
        for half in ("fitted", "held out", "both"):
            rows = [
                i
                for i, case in enumerate(found)
                if len(case.graph.relations()) >= least and half in {case.half, "both"}
            ]
            shares = {f"{s:.0%}": means(results[s][i] for i in rows) for s in SHARES}
            report[f"{size}, {half}"] = {"questions": len(rows), **shares}
    return report


# -- the report --------------------------------------------------------------------------


def show(report: Mapping[str, Any]) -> None:
    print("Tokens per relation, and how many times fewer than TRASER's JSON:")
    for name, groups in report["cost"].items():
        for group, row in groups.items():
            print(f"\n  {name}, {group}")
            for format_, value in row.items():
                print(f"    {format_:20} {value:7.1f}  {row['traser json'] / value:5.2f}x")
    print("\nShare of the needed facts kept, at a share of the tokens of the event log:")
    for group, row in report["focus"].items():
        print(f"\n  {group}: {row['questions']} questions")
        for share in (key for key in row if key != "questions"):
            listed = ", ".join(f"{name} {value:.3f}" for name, value in row[share].items())
            print(f"    {share:>4}: {listed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of nextqa_vidor/")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args()
    path = options.data / "nextqa_vidor" / "graphs.json"
    graphs = {name: TemporalGraph(document) for name, document in iter_vidstg(path)}
    report = {
        "cost": cost_report(list(graphs.values()), options.data),
        "focus": focus_report(cases(graphs, json.loads(path.read_text(encoding="utf-8")))),
    }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
