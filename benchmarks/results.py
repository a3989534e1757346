"""The runs behind ``docs/results.md``, and the page that is made from them.

    python -m benchmarks.results --data ../shared/data --runs runs [--page docs/results.md]

Asks, with the embedded model and nothing else: NExT-QA questions on human graphs
(``nextqa_vidor``), the same questions on human and on TRASER's graphs (``pvsg_traser``), and
seven questions on one video from its pixels (``videos/bottle-detection.mp4``). A run that is
there already is not asked again, so the page is made from the logs alone. ``--fit`` prints how
the weight of graphs beside captions (`reelgraph.eval.captions.GRAPH_WEIGHT`) was chosen.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bottle import match_stays, names_by_match, stays

from reelgraph import GraphStore, Pipeline, SceneGraph
from reelgraph.eval import Config, Manner, Record, RunLog, load_benchmark, run
from reelgraph.eval.captions import GRAPH_WEIGHT, best_option, combined, option_scores
from reelgraph.eval.stats import Estimate, accuracy, difference

PAGE = Path("docs/results.md")
SPOILT = ("drop:0.5", "relabel:0.5", "swap:0.5", "shift:0.5", "drop:1", "relabel:1", "other:1")
NEXTQA_ARMS = ("none", "captions", "graph", "captions+graph", *(f"graph~{s}" for s in SPOILT))
WEIGHTS = tuple(round(0.05 * step, 2) for step in range(61))
Half = Callable[[Record], bool]


# -- the runs ------------------------------------------------------------------------------


def nextqa_run(data: Path, runs: Path, limit: int | None) -> RunLog:
    folder = data / "nextqa_vidor"
    published = f"answers:{folder / 'hga_predictions.json'}"
    arms, config = [*NEXTQA_ARMS, published], Config(limit=limit)
    return asked("nextqa", folder, runs / "nextqa", arms, config=config)


def pvsg_run(data: Path, runs: Path) -> RunLog:
    folder = data / "pvsg_traser"
    arms = ["none", "truth", "graph"]
    return asked("pvsg", folder, runs / "pvsg", arms, graphs=folder / "preds")


def bottle_runs(data: Path, runs: Path) -> dict[str, RunLog]:
    """One run for each graph of the video: as tracked, and with its objects named."""
    folder = runs / "bottle-data"
    graphs = bottle_graphs(data / "videos" / "bottle-detection.mp4", folder)
    arms = {"pixels": ["none", "graph"], "named": ["graph"]}
    return {
        name: asked("jsonl", folder, runs / f"bottle-{name}", arms[name], graphs=path)
        for name, path in graphs.items()
    }


def asked(name: str, data: Path, out: Path, arms: Sequence[str], **options: Any) -> RunLog:
    print(f"{out}:", file=sys.stderr)
    log = run(name, data, arms=arms, out=out, manner=Manner(say=tell), **options)
    assert log is not None
    return log


def tell(sentence: str) -> None:
    print(f"  {sentence}", file=sys.stderr)


def bottle_graphs(video: Path, folder: Path) -> dict[str, Path]:
    """Build the graphs of the bottle video, and write them with its questions."""
    annotation = json.loads(video.with_suffix(".events.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "id": item["qid"],
            "video": video.stem,
            "question": item["question"],
            "choices": item["options"],
            "answer": item["answer"],
            "type": item["type"],
            "spans": item["spans_s"],
        }
        for item in annotation["questions"]
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    paths = {name: folder / name for name in ("pixels", "named")}
    if not all(path.is_dir() for path in paths.values()):
        for name, document in bottle_documents(video, annotation).items():
            paths[name].mkdir(exist_ok=True)
            text = document.model_dump_json(indent=1)
            (paths[name] / f"{video.stem}.json").write_text(text)
    return paths


def bottle_documents(video: Path, annotation: dict[str, Any]) -> dict[str, SceneGraph]:
    import tempfile

    with tempfile.TemporaryDirectory() as cache:
        pipeline = Pipeline(
            tracker="motion", generators=["geometry"], store=GraphStore(Path(cache))
        )
        tracks = pipeline.tracks(video)
        truth = stays({int(k): v for k, v in annotation["presence_s"].items()})
        found = stays({track.id: tracks.presence(track.id) for track in tracks.objects})
        labels, _ = names_by_match(annotation, match_stays(truth, found))
        return {
            "pixels": pipeline.graph(video).document,
            "named": pipeline.relabel(video, labels).document,
        }


# -- the weight of a graph beside captions -------------------------------------------------


def fitted_half(log: RunLog) -> Half:
    """Return whether a record is on a video of even rank, by sorted name."""
    videos = sorted({record.video for record in log.records})
    even = frozenset(videos[::2])
    return lambda record: record.video in even


def scan(data: Path, log: RunLog) -> dict[float, tuple[float, float]]:
    """Return for each weight the accuracy of captions+graph on the even and the odd half."""
    benchmark = load_benchmark("nextqa", data / "nextqa_vidor")
    records = {record.question_id: record for record in log.of("graph")}
    half = fitted_half(log)
    scores = {
        q.id: option_scores(q.text, q.choices, benchmark.captions[q.video])
        for q in benchmark.questions
        if q.id in records
    }

    def right(record: Record, weight: float) -> bool:
        chosen = record.prediction if isinstance(record.prediction, int) else None
        sums = combined(scores[record.question_id], chosen, record.confidence or 0.0, weight=weight)
        return best_option(sums) == record.gold

    def rate(weight: float, *, even: bool) -> float:
        kept = [right(r, weight) for r in records.values() if half(r) is even]
        return sum(kept) / len(kept)

    return {w: (rate(w, even=True), rate(w, even=False)) for w in WEIGHTS}


def chosen_weight(scanned: Mapping[float, tuple[float, float]], questions: int) -> float:
    """Return the smallest weight whose accuracy is within one standard error of the best.

    The graph's guesses were fitted on the same half and look too good there, so the best
    weight itself would trust them too much (one-standard-error rule: Breiman and others,
    Classification and Regression Trees, 1984).
    """
    best = max(even for even, _ in scanned.values())
    least = best - math.sqrt(best * (1 - best) / questions)
    return min(weight for weight, (even, _) in scanned.items() if even >= least)


def print_fit(data: Path, log: RunLog) -> None:
    scanned = scan(data, log)
    even = sum(map(fitted_half(log), log.of("graph")))
    print("weight  even    odd")
    for weight, (first, second) in scanned.items():
        print(f"{weight:6.2f}  {first:.4f}  {second:.4f}")
    print(f"one-standard-error rule: {chosen_weight(scanned, even)}; in use: {GRAPH_WEIGHT}")


# -- the page ------------------------------------------------------------------------------


def percent(found: Estimate) -> str:
    if math.isnan(found.low):
        return f"{100 * found.value:.1f}"
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def points(found: Estimate) -> str:
    if math.isnan(found.low):
        return f"{100 * found.value:+.1f} (one video: no interval)"
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def rate_of(records: Iterable[Record]) -> str:
    kept = list(records)
    return percent(accuracy([bool(r.correct) for r in kept], [r.cluster for r in kept]))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def accuracy_table(log: RunLog, half: Half) -> str:
    groups = ("causal", "temporal", "descriptive")
    rows = []
    for arm in log.arms:
        records = log.of(arm)
        parts = [[r for r in records if log.header.groups.get(r.type) == name] for name in groups]
        cells = [records, [r for r in records if half(r)], [r for r in records if not half(r)]]
        rows.append([f"`{arm}`", *map(rate_of, [*cells, *parts])])
    heading = ("arm", "all", "even half (fitted)", "odd half (held out)", *groups)
    return table(heading, rows)


def difference_table(
    log: RunLog, pairs: Sequence[tuple[str, str]], half: Half | None = None
) -> str:
    rows = []
    for first, second in pairs:
        row = [f"`{first}` - `{second}`", *compared(log.of(first), log.of(second))]
        if half is not None:
            odd = [[r for r in log.of(arm) if not half(r)] for arm in (first, second)]
            row += compared(*odd)[:1]
        rows.append(row)
    heading = ["arms", "points (95 % by video)", "won / lost", "McNemar p", "sign-flip p by video"]
    return table([*heading, "held-out half"] if half else heading, rows)


def compared(first: Sequence[Record], second: Sequence[Record]) -> list[str]:
    other = {record.question_id: record for record in second}
    both = [record for record in first if record.question_id in other]
    found = difference(
        [bool(r.correct) for r in both],
        [bool(other[r.question_id].correct) for r in both],
        [r.cluster for r in both],
    )
    won, lost = found.mcnemar.only_first, found.mcnemar.only_second
    p_values = (found.mcnemar.p_value, found.sign_flip_p)
    return [points(found.estimate), f"{won} / {lost}", *map(p_value, p_values)]


def p_value(value: float) -> str:
    return "-" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def nextqa_section(log: RunLog) -> str:
    half = fitted_half(log)
    first = log.of(log.arms[0])
    videos = len({record.video for record in first})
    supported = sum(map(shown_by_graph, log.of("graph")))
    pairs = [("graph", "none"), ("captions", "none"), ("captions+graph", "captions"),
             ("captions+graph", "graph"), *((f"graph~{s}", "graph") for s in SPOILT)]  # fmt: skip
    return NEXTQA.format(
        questions=len(first),
        videos=videos,
        left_out=str(log.header.config["left_out"]).partition(" (")[0],
        accuracy=accuracy_table(log, half),
        differences=difference_table(log, pairs, half),
        weight=GRAPH_WEIGHT,
        supported=supported,
    )


def shown_by_graph(record: Record) -> bool:
    """Return whether an answer rests on a relation of the graph."""
    return any(relation is not None for relation in record.evidence.relations)


def pvsg_section(log: RunLog) -> str:
    rows = [[f"`{arm}`", rate_of(log.of(arm))] for arm in log.arms]
    pairs = [("truth", "none"), ("graph", "none"), ("truth", "graph")]
    return PVSG.format(
        questions=len(log.of("none")),
        videos=len({record.video for record in log.records}),
        accuracy=table(("arm", "right % (95 % by video)"), rows),
        differences=difference_table(log, pairs),
    )


def bottle_section(logs: Mapping[str, RunLog]) -> str:
    told = {
        "question alone": logs["pixels"].of("none"),
        "graph from pixels": logs["pixels"].of("graph"),
        "the same, objects named by hand": logs["named"].of("graph"),
    }
    rows = [
        [name, f"{sum(bool(r.correct) for r in records)} of {len(records)}",
         str(sum(map(shown_by_graph, records)))]
        for name, records in told.items()
    ]  # fmt: skip
    return BOTTLE.format(answers=table(("shown", "right", "shown by relations"), rows))


def made_from(logs: Iterable[RunLog]) -> str:
    lines = []
    for log in logs:
        data = ", ".join(f"{name} {digest[:12]}" for name, digest in log.header.data.items())
        lines.append(f"- {log.header.benchmark}: {data}; graphs {log.header.config['graphs']}")
    versions = ", ".join(f"{name} {value}" for name, value in log.header.versions.items())
    return "\n".join([*lines, f"- {versions}"])


def page(nextqa: RunLog, pvsg: RunLog, bottle: Mapping[str, RunLog]) -> str:
    sections = [
        INTRODUCTION,
        nextqa_section(nextqa),
        pvsg_section(pvsg),
        bottle_section(bottle),
        LIMITS,
        MADE.format(made_from=made_from([nextqa, pvsg, *bottle.values()])),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


INTRODUCTION = """
# Results

What a graph brings to answers, measured with the embedded model: rules and word statistics, no
language model, no key, no network. It is the control of every evaluation here: a small gain with
it says that the graph holds the answer, not that a language model would gain as much.
`python -m benchmarks.results` makes this page from the logs of the runs, which it makes first.

Intervals are 95 % cluster-bootstrap intervals over videos. Differences are paired by question:
*won* are questions that only the first arm got right. An answer that cannot be read is wrong.
"""

NEXTQA = """
## NExT-QA on human graphs

{questions} five-way questions on {videos} videos of the validation split with VidOR relations that
people annotated, and one machine caption a second. {left_out}, for want of a graph.
Chance is 20 %. `hga_predictions` are published answers of HGA, which was trained on NExT-QA and
sees the video; it is here for scale.

{accuracy}

{differences}

- `none`: the embedded model with an empty graph: what question and options alone give away.
- `captions`: no model reads them; the option with most words in common with the captions near the
  time that the question names is taken (`reelgraph.eval.captions`).
- `captions+graph`: those scores plus {weight} times the confidence of the graph's answer. The
  weight was chosen on the even half (`--fit`), as the graph's word statistics were, so the even
  half flatters both: read the odd half.
- `graph~drop:0.5`, `relabel`, `swap`, `shift`: half of the statements left out, renamed, turned
  round, or moved in time; `drop:1` leaves the objects alone, `relabel:1` renames everything;
  `other:1` is the graph of another video: what any graph at all would bring. Where `swap` and
  `shift` change little, answers do not rest on who did it and when; where `drop:1` is as good as
  the graph, they rest on which things are there.
- The graph shows the answer itself for {supported} of {questions} questions; for all others the
  embedded model picks the option that fits best to what the graph holds, and says so.
"""

PVSG = """
## Human graphs against TRASER's graphs

The same {questions} NExT-QA questions on {videos} PVSG videos: `truth` is people's graph, `graph`
what the released TRASER wrote for the same masks.

{accuracy}

{differences}

With {videos} videos only very large differences could be seen, and these figures decide nothing;
they show that both kinds of graph run through one evaluation. How far the two graphs agree is
measured apart (`python -m benchmarks.pvsg_agreement`).
"""

BOTTLE = """
## One video from its pixels

Seven questions on a 40 s video of hands that take bottles away and put them back, in which the
embedded tracker finds the objects and geometry says what they do.

{answers}

One video says nothing of others: no interval can be given. The tracker was developed with this
video at hand. It cannot name what it sees; that is what the second row lacks and the third has.
"""

LIMITS = """
## What these figures do not show

- How much a language or vision model gains from a graph. The published setting (Perception Test
  and AGQA 2.0 with a VLM and TRASER's graphs) needs a GPU; `docs/evaluation.md` has the commands.
- How good graphs made from pixels are on NExT-QA: the first table is on graphs that people drew.
- That a missing relation is false. VidOR's annotation in this form has about a quarter of the
  relations of a video.
- Open-ended answers, and when things happen: the embedded model seldom has evidence for answers
  here, so grounding cannot be scored fairly.
- A difference between question types: there are eight, and the intervals of most are wide.
"""

MADE = """
## Made from

{made_from}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--page", type=Path, default=PAGE, help="what to write")
    parser.add_argument("--limit", type=int, help="only so many questions of NExT-QA, to try it")
    parser.add_argument("--fit", action="store_true", help="print how the weight was chosen")
    options = parser.parse_args()
    nextqa = nextqa_run(options.data, options.runs, options.limit)
    if options.fit:
        print_fit(options.data, nextqa)
        return 0
    text = page(
        nextqa, pvsg_run(options.data, options.runs), bottle_runs(options.data, options.runs)
    )
    options.page.write_text(text, encoding="utf-8")
    print(f"wrote {options.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
