"""How far TRASER's graphs agree with people's on the annotated PVSG videos.

    python -m benchmarks.pvsg_agreement --data ../shared/data [--json]

Reads ``pvsg_traser/gt`` (human graphs), ``pvsg_traser/preds`` (the model's raw text) and
``pvsg_traser/stats_selected.json``. The model was given the annotated masks, so which
object is which is known: ``object k`` is the object of mask column ``mask_columns[k - 1]``.
For a video without that entry, column ``k - 1`` is taken, and only if the model described
exactly as many objects as there are annotated ones; the table marks it with ``*``.

Rules, all strict:

- object: its label equals the annotated one, in lower case and with single spaces, doubts
  ignored. No synonyms: ``person`` for ``adult`` is wrong.
- relation: subject and object are the annotated ones, the predicate has the same lemma
  (``holds``, ``holding``; no synonyms), and the times share at least a moment.
- triplet: a relation whose subject and object both have the right label.

Relations with equal subject, predicate lemma and object count once, with the union of
their times. Precision is by what the model says, recall by what people say; both count
annotated objects that the model was not given, and neither forgives that people did not
annotate everything. ``tIoU`` is the mean overlap in time of the relations that agree.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelgraph.errors import EvalError
from reelgraph.graph import intervals
from reelgraph.graph.formats.pvsg import read_pvsg
from reelgraph.graph.formats.traser import parse_traser, sampled_edges, traser_layer
from reelgraph.graph.lexicon import normalize, predicate_key
from reelgraph.graph.schema import CAMERA, GraphLayer, Interval, Relation, SceneGraph

Key = tuple[int, str, int]


@dataclass(frozen=True)
class Agreement:
    """How many things were said, annotated, and both."""

    said: int
    annotated: int
    agreed: int

    @property
    def precision(self) -> float:
        return self.agreed / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        return self.agreed / self.annotated if self.annotated else 0.0

    @property
    def f1(self) -> float:
        total = self.said + self.annotated
        return 2 * self.agreed / total if total else 0.0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.said + other.said, self.annotated + other.annotated, self.agreed + other.agreed
        )

    def row(self) -> dict[str, float]:
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        counts = {"said": self.said, "annotated": self.annotated, "agreed": self.agreed}
        return {**counts, **{name: round(rate, 4) for name, rate in rates.items()}}


@dataclass(frozen=True)
class Comparison:
    """One video."""

    video: str
    mapping_assumed: bool
    objects: Agreement
    relations: Agreement
    triplets: Agreement
    overlaps: tuple[float, ...]
    warnings: tuple[str, ...]


def mask_columns(stats: Mapping[str, Any], said: int, annotated: int, name: str) -> list[int]:
    """Return the mask column of each object the model was given."""
    if name in stats:
        return list(stats[name]["mask_columns"])
    if said != annotated:
        raise EvalError(
            f"{name!r}: the model describes {said} objects, {annotated} are annotated, and the "
            "run's statistics do not say which it was given; add its mask_columns to them"
        )
    return list(range(annotated))


def merged(relations: Iterable[Relation]) -> dict[Key, tuple[Interval, ...]]:
    """Return relations by subject, predicate lemma and object."""
    times: dict[Key, tuple[Interval, ...]] = {}
    for r in relations:
        key = (r.subject, predicate_key(r.predicate), r.object)
        times[key] = intervals.union(times.get(key, ()), r.intervals)
    return times


def compare(name: str, truth: SceneGraph, layer: GraphLayer, *, assumed: bool) -> Comparison:
    labels = {item.id: normalize(item.label) for item in truth.objects}
    right = {k for k, item in layer.objects.items() if normalize(item.label or "") == labels[k]}
    wanted, said = merged(truth.relations), merged(layer.relations)
    agreed = [
        key for key in said if key in wanted and intervals.intersection(said[key], wanted[key])
    ]
    named = [(s, p, o) for s, p, o in agreed if {s, o} <= right | {CAMERA}]
    return Comparison(
        video=name,
        mapping_assumed=assumed,
        objects=Agreement(len(layer.objects), len(labels), len(right)),
        relations=Agreement(len(said), len(wanted), len(agreed)),
        triplets=Agreement(len(said), len(wanted), len(named)),
        overlaps=tuple(intervals.iou(said[key], wanted[key]) for key in agreed),
        warnings=layer.warnings,
    )


def compare_video(folder: Path, name: str, stats: Mapping[str, Any]) -> Comparison:
    truth = read_pvsg(folder / "gt" / f"{name}.json")
    text = (folder / "preds" / f"{name}.json").read_text(encoding="utf-8")
    edges = sampled_edges(truth.video)
    said = len(parse_traser(text).objects)
    columns = mask_columns(stats, said, len(truth.objects), name)
    output = parse_traser(text, object_count=len(columns), frame_count=len(edges) - 1)
    annotation = json.loads((folder / "gt" / f"{name}.json").read_bytes())
    by_column = {item["col"]: item["gt_id"] for item in annotation["objects"]}
    layer = traser_layer(output, edges, ids=[by_column[column] for column in columns])
    return compare(name, truth, layer, assumed=name not in stats)


def compare_all(data: Path) -> list[Comparison]:
    folder = data / "pvsg_traser"
    stats = json.loads((folder / "stats_selected.json").read_bytes())
    names = sorted(path.stem for path in (folder / "gt").glob("*.json"))
    if not names:
        raise EvalError(f"there are no annotated videos in {str(folder / 'gt')!r}; check --data")
    return [compare_video(folder, name, stats) for name in names]


def total(rows: list[Comparison]) -> Comparison:
    """Return all videos as one, each object and relation counting the same."""
    none = Agreement(0, 0, 0)
    return Comparison(
        video="all",
        mapping_assumed=False,
        objects=sum((row.objects for row in rows), none),
        relations=sum((row.relations for row in rows), none),
        triplets=sum((row.triplets for row in rows), none),
        overlaps=tuple(overlap for row in rows for overlap in row.overlaps),
        warnings=(),
    )


def mean(values: tuple[float, ...]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def as_json(row: Comparison) -> dict[str, Any]:
    return {
        "video": row.video,
        "mapping_assumed": row.mapping_assumed,
        "objects": row.objects.row(),
        "relations": row.relations.row(),
        "triplets": row.triplets.row(),
        "mean_tiou": mean(row.overlaps),
        "warnings": list(row.warnings),
    }


def as_table(rows: list[Comparison]) -> str:
    groups = "".join(f"  {name:^31}" for name in ("objects", "relations", "triplets"))
    columns = f"  {'said':>4} {'true':>4} {'both':>4} {'P':>5} {'R':>5} {'F1':>4}" * 3
    lines = [f"{'':19}{groups}", f"{'video':19}{columns}   tIoU"]
    for row in rows:
        cells = "".join(
            f"  {a.said:4} {a.annotated:4} {a.agreed:4} "
            f"{100 * a.precision:5.1f} {100 * a.recall:5.1f} {100 * a.f1:4.1f}"
            for a in (row.objects, row.relations, row.triplets)
        )
        overlap = mean(row.overlaps)
        name = f"{row.video}{'*' if row.mapping_assumed else ''}"
        lines.append(f"{name:19}{cells}   {'-' if overlap is None else format(overlap, '.2f')}")
    notes = [f"{row.video}: {warning}" for row in rows for warning in row.warnings]
    legend = "said by TRASER, true: annotated; P, R, F1 in percent; * objects mapped in order"
    return "\n".join([*lines, legend, *notes])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pvsg_traser/")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows = compare_all(options.data)
    rows.append(total(rows))
    print(json.dumps([as_json(row) for row in rows], indent=1) if options.json else as_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
