"""SVG2's recalls of TRASER's graphs on the annotated PVSG videos.

    python -m benchmarks.pvsg_recall --data ../shared/data [--judge MODEL --verdicts FILE] [--json]

Reads the files of `benchmarks.pvsg_agreement`. Scores are those of
`reelgraph.eval.metrics.scene_graph_recall`, by reelgraph's lexicon or, with ``--judge``, by a
chat model whose verdicts are kept in a file. PVSG annotates no attributes, so these are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.pvsg_agreement import mask_columns

from reelgraph.eval.metrics.label_judge import Judge, LexicalJudge, ModelJudge
from reelgraph.eval.metrics.scene_graph_recall import Graphs, evaluate, graph_of_layer
from reelgraph.eval.report.graph_scores import graph_scores_table
from reelgraph.graph.formats.pvsg import read_pvsg
from reelgraph.graph.formats.traser import parse_traser, sampled_edges, traser_layer
from reelgraph.graph.schema import SceneGraph


def pairs_of(data: Path) -> dict[str, Graphs]:
    """Return people's graph and TRASER's of each video, with the same object ids."""
    folder = data / "pvsg_traser"
    stats = json.loads((folder / "stats_selected.json").read_bytes())
    pairs = {}
    for path in sorted((folder / "gt").glob("*.json")):
        truth = read_pvsg(path)
        text = (folder / "preds" / path.name).read_text(encoding="utf-8")
        said = len(parse_traser(text).objects)
        columns = mask_columns(stats, said, len(truth.objects), path.stem)
        edges = sampled_edges(truth.video)
        output = parse_traser(text, object_count=len(columns), frame_count=len(edges) - 1)
        ids = {item["col"]: item["gt_id"] for item in json.loads(path.read_bytes())["objects"]}
        layer = traser_layer(output, edges, ids=[ids[column] for column in columns])
        pairs[path.stem] = plain(truth), plain(graph_of_layer(truth, layer))
    return pairs


def plain(graph: SceneGraph) -> SceneGraph:
    """Return a graph without attributes."""
    objects = tuple(item.model_copy(update={"attributes": ()}) for item in graph.objects)
    return graph.model_copy(update={"objects": objects})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pvsg_traser/")
    parser.add_argument("--judge", help="chat model, e.g. openai:gpt-4o-mini-2024-07-18")
    parser.add_argument("--verdicts", type=Path, default=Path("verdicts.jsonl"))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    judge: Judge = LexicalJudge()
    if options.judge:
        judge = ModelJudge(options.judge, options.verdicts)
    found = evaluate(pairs_of(options.data), judge)
    if not options.json:
        print(graph_scores_table(found), end="")
        return 0
    rows = [
        {**key._asdict(), "recall": score.micro.recall, "precision": score.micro.precision}
        for key, score in found.scores.items()
        if score.annotated
    ]
    print(json.dumps({"judge": found.judge, "unjudged": found.unjudged, "scores": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
