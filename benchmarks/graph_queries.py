"""How fast a graph answers, by its size, next to other ways to ask the same.

    python -m benchmarks.graph_queries [--sizes 10000 100000 1000000] [--json]

Each size is measured in a process of its own. The graph is made: a long video in which
objects stay for some minutes, most relations last seconds, some last minutes, and the
number per second does not depend on the size, so that one window finds as much in every
graph. Next to `TemporalGraph`, in the same run and on the same windows:

- a scan over the edges of the same NetworkX graph,
- DuckDB on a table of the same intervals (in memory, one thread, prepared statement),
- raphtory's persistent graph windowed to the span, if it is installed: it merges
  intervals of one pair and predicate that overlap, so its count may be lower.

The answers of the first three are compared, relation by relation.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph

LABELS = ["person", "dog", "cup", "ball", "car", "bottle", "hand", "table", "chair", "bike"]
PREDICATES = {
    "holds": "stateful",
    "touches": "contact",
    "near": "spatial",
    "left of": "spatial",
    "in front of": "spatial",
    "moves away from": "motion",
    "approaches": "motion",
    "looks at": "attentional",
    "picks up": "event",
    "puts down": "event",
}
PER_SECOND, PER_OBJECT, STAY_S = 2.0, 50, 240.0
PATTERN = "?a:person picks up ?x:cup; then within 5 s ?a holds ?x"
WINDOW_S, CLIP_S, BUDGET = 5.0, 60.0, 500


def made_graph(size: int) -> SceneGraph:
    """Return a graph with ``size`` relations."""
    rng = np.random.default_rng(0)
    length_s = size / PER_SECOND
    count = max(20, size // PER_OBJECT)
    home = np.sort(rng.uniform(0, length_s, count))
    brief, long = rng.exponential(2, size) + 0.08, rng.exponential(60, size) + 1
    start = np.sort(rng.uniform(0, length_s, size))
    end = np.minimum(start + np.where(rng.random(size) < 0.92, brief, long), length_s + 60)
    reach = max(2, round(STAY_S / 2 * count / length_s))
    middle = np.searchsorted(home, start)
    ends = np.clip(middle[:, None] + rng.integers(-reach, reach, (size, 2)), 0, count - 1)
    ends[:, 1] = np.where(ends[:, 0] == ends[:, 1], (ends[:, 1] + 1) % count, ends[:, 1])
    names = list(PREDICATES)
    said = rng.integers(0, len(names), size)
    relations = tuple(
        Relation(
            id=f"r{row + 1}",
            subject=int(ends[row, 0]) + 1,
            predicate=names[said[row]],
            object=int(ends[row, 1]) + 1,
            intervals=(Interval(float(start[row]), float(end[row])),),
            kind=PREDICATES[names[said[row]]],  # type: ignore[arg-type]
            source="geometry",
        )
        for row in range(size)
    )
    objects = tuple(
        SceneObject(
            id=i + 1,
            label=LABELS[i % len(LABELS)],
            presence=(Interval(max(0.0, home[i] - STAY_S), home[i] + STAY_S),),
        )
        for i in range(count)
    )
    video = VideoInfo(
        path="made.mp4",
        sha256="0" * 64,
        duration_s=length_s + 2 * STAY_S,
        fps=25.0,
        frame_count=round((length_s + 2 * STAY_S) * 25),
        resolution_wh=(640, 360),
    )
    return SceneGraph(video=video, objects=objects, relations=relations)


def timed(ask: Callable[[float], Any], moments: list[float]) -> dict[str, float]:
    """Return p50 and p95 in milliseconds, and how much was found on average."""
    times, sizes = [], []
    ask(moments[0])
    for moment in moments:
        began = time.perf_counter()
        found = ask(moment)
        times.append(1e3 * (time.perf_counter() - began))
        sizes.append(len(found) if hasattr(found, "__len__") else 0)
    p95 = float(np.percentile(times, 95))
    return {"p50_ms": statistics.median(times), "p95_ms": p95, "found": float(np.mean(sizes))}


def own_queries(graph: TemporalGraph) -> Iterator[tuple[str, Callable[[float], Any], int]]:
    """Yield what is asked of `TemporalGraph`, and how many times."""

    def owner(moment: float) -> int:
        return graph.relations(at=moment)[0].subject if graph.relations(at=moment) else 1

    yield "relations(during=5 s)", lambda t: graph.relations(during=(t, t + WINDOW_S)), 300
    yield "relations(at=t)", lambda t: graph.relations(at=t), 300
    yield (
        "relations('person', 'hold', during=60 s)",
        lambda t: graph.relations("person", "hold", during=(t, t + CLIP_S)),
        100,
    )
    yield "at(t)", lambda t: graph.at(t).document.relations, 100
    yield "neighbors(id)", lambda t: graph.neighbors(owner(t)), 100
    yield "timeline(id)", lambda t: graph.timeline(owner(t)), 100
    yield "between(60 s)", lambda t: graph.between(t, t + CLIP_S).document.relations, 50
    yield "match(sequence), the whole graph", lambda _: graph.match(PATTERN), 3
    yield (
        "between(60 s).match(sequence)",
        lambda t: graph.between(t, t + CLIP_S).match(PATTERN),
        50,
    )
    yield (
        "between(60 s).to_text(500 tokens)",
        lambda t: graph.between(t, t + CLIP_S).to_text(budget=BUDGET),
        20,
    )


def scan(graph: TemporalGraph) -> Callable[[float], list[str]]:
    """Return the window query as a scan over the NetworkX edges."""

    def ask(moment: float) -> list[str]:
        return [
            key
            for _, _, key, data in graph.nx.edges(keys=True, data=True)
            if any(
                i.start < moment + WINDOW_S and i.end > moment for i in data["relation"].intervals
            )
        ]

    return ask


def duckdb_window(document: SceneGraph) -> Callable[[float], list[str]]:
    """Return the window query on a DuckDB table."""
    import duckdb
    import pyarrow as pa

    rows = pa.table(
        {
            "id": [r.id for r in document.relations],
            "start_s": [r.start for r in document.relations],
            "end_s": [r.end for r in document.relations],
        }
    )
    base = duckdb.connect()
    base.execute("set threads to 1")
    base.register("given", rows)
    base.execute("create table relations as select * from given")
    query = "select id from relations where start_s < ? and end_s > ?"

    def ask(moment: float) -> list[str]:
        return [row[0] for row in base.execute(query, [moment + WINDOW_S, moment]).fetchall()]

    return ask


def raphtory_window(document: SceneGraph) -> Callable[[float], list[Any]]:
    """Return the window query on a raphtory graph."""
    from raphtory import PersistentGraph

    other = PersistentGraph()
    for r in document.relations:
        other.add_edge(round(1e3 * r.start), r.subject, r.object, layer=r.predicate)
        other.delete_edge(round(1e3 * r.end), r.subject, r.object, layer=r.predicate)

    def ask(moment: float) -> list[Any]:
        window = other.window(round(1e3 * moment), round(1e3 * (moment + WINDOW_S)))
        return list(window.edges.explode_layers())

    return ask


def measure(size: int) -> dict[str, Any]:
    """Return everything measured on a graph of one size."""
    document = made_graph(size)
    began = time.perf_counter()
    graph = TemporalGraph(document)
    graph.relations(at=0.0)
    graph.at(0.0)
    build_s = time.perf_counter() - began
    rng = np.random.default_rng(1)
    moments = rng.uniform(0, size / PER_SECOND - CLIP_S, 300).tolist()
    own = {name: timed(ask, moments[:n]) for name, ask, n in own_queries(graph)}
    others: dict[str, Any] = {}
    rivals: dict[str, Callable[[], Callable[[float], list[Any]]]] = {
        "NetworkX scan": lambda: scan(graph),
        "DuckDB": lambda: duckdb_window(document),
        "raphtory": lambda: raphtory_window(document),
    }
    checked = moments[:5]
    truth = [{r.id for r in graph.relations(during=(t, t + WINDOW_S))} for t in checked]
    for name, prepare in rivals.items():
        if name != "NetworkX scan" and not importlib.util.find_spec(name.lower()):
            others[name] = None
            continue
        ask = prepare()
        if name != "raphtory" and [set(ask(t)) for t in checked] != truth:
            raise SystemExit(f"{name} finds other relations than TemporalGraph")
        others[name] = timed(ask, moments[: 5 if name == "NetworkX scan" else 30])
    return {
        "relations": size,
        "objects": len(document.objects),
        "build_s": build_s,
        "bytes_per_relation": bytes_per_relation(document),
        "own": own,
        "others": others,
    }


def bytes_per_relation(document: SceneGraph) -> float:
    """Return what a graph takes beyond its document, everything lazy included."""
    tracemalloc.start()
    graph = TemporalGraph(document)
    graph.relations(at=0.0)
    graph.at(0.0)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / len(document.relations)


def show(reports: list[dict[str, Any]]) -> None:
    """Print the figures as a table, one column for each size."""
    table = Table(title="p50 / p95 in milliseconds, found", title_justify="left")
    table.add_column("query")
    for report in reports:
        table.add_column(f"{report['relations']:,}", justify="right")
    for key in ("build_s", "bytes_per_relation"):
        table.add_row(key, *(f"{report[key]:.2f}" for report in reports))
    for group in ("own", "others"):
        for name in reports[0][group]:
            cells = [report[group][name] for report in reports]
            label = name if group == "own" else f"relations(during=5 s), {name}"
            table.add_row(label, *map(figures, cells))
    Console(width=140).print(table)


def figures(cell: dict[str, float] | None) -> str:
    """Return a cell's text."""
    if cell is None:
        return "not installed"
    return f"{cell['p50_ms']:.3f} / {cell['p95_ms']:.3f}, {cell['found']:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    reports = []
    for size in options.sizes:
        command = [sys.executable, "-m", "benchmarks.graph_queries", "--one", str(size)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        reports.append(json.loads(done.stdout))
    if options.json:
        print(json.dumps(reports, indent=1))
    else:
        show(reports)


if __name__ == "__main__":
    main()
