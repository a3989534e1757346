"""From pixels to answers on one annotated video, scored against its annotation.

    python -m benchmarks.bottle --data ../shared/data

Reads ``videos/NAME.mp4`` and ``videos/NAME.events.json`` (objects, presence,
relations, questions), tracks the video with the embedded tracker, builds the graph,
names the tracks after the annotated objects that they match in time, asks the
questions, and prints what came out. Ends non-zero where a threshold is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from reelgraph import GraphStore, Interval, Pipeline, TemporalGraph, Tracks, VideoAgent
from reelgraph.graph import intervals as spans

MIN_PRESENCE_IOU = 0.85
MIN_HOLDS_FOUND = 0.75
MAX_EXTRA_HOLDS = 3
MIN_ANSWERS_RIGHT = 6 / 7


@dataclass(frozen=True)
class Stay:
    """One uninterrupted presence of an object, annotated or tracked."""

    object_id: int
    interval: Interval


def stays(presence: dict[int, Iterable[Iterable[float]]]) -> list[Stay]:
    return [
        Stay(object_id, Interval(*pair)) for object_id, pairs in presence.items() for pair in pairs
    ]


def match_stays(truth: list[Stay], found: list[Stay]) -> dict[Stay, Stay]:
    """Pair annotated and tracked stays one to one by temporal IoU."""
    overlap = np.array(
        [[spans.iou([t.interval], [f.interval]) for f in found] for t in truth], float
    ).reshape(len(truth), len(found))
    rows, columns = linear_sum_assignment(-overlap)
    return {truth[r]: found[c] for r, c in zip(rows, columns, strict=True) if overlap[r, c] > 0.1}


def presence_iou(annotated: int, truth: list[Stay], matched: dict[Stay, Stay]) -> float:
    own = [stay for stay in truth if stay.object_id == annotated]
    found = spans.union([matched[stay].interval for stay in own if stay in matched])
    return float(spans.iou(found, [stay.interval for stay in own]))


def match_holds(
    truth: list[tuple[int, Interval]], found: list[tuple[int, Interval]]
) -> tuple[int, int]:
    """Return how many annotated holds are found at tIoU 0.5, and how many found are extra."""
    overlap = np.array(
        [
            [spans.iou([t], [f]) if held == thing else 0.0 for thing, f in found]
            for held, t in truth
        ],
        float,
    ).reshape(len(truth), len(found))
    rows, columns = linear_sum_assignment(-overlap)
    hits = int((overlap[rows, columns] >= 0.5).sum())
    return hits, len(found) - hits


def names_by_match(
    annotation: dict[str, Any], matched: dict[Stay, Stay]
) -> tuple[dict[int, str], dict[int, int]]:
    """Return label and annotated object of each tracked id, by most time matched."""
    labels = {item["id"]: item["label"] for item in annotation["objects"]}
    weight: dict[int, dict[int, float]] = {}
    for truth, found in matched.items():
        votes = weight.setdefault(found.object_id, {})
        votes[truth.object_id] = votes.get(truth.object_id, 0) + found.interval.duration
    meant = {found: max(votes, key=lambda k: votes[k]) for found, votes in weight.items()}
    return {found: labels[annotated] for found, annotated in meant.items()}, meant


def score_presence(
    annotation: dict[str, Any], tracks: Tracks, matched: dict[Stay, Stay], truth: list[Stay]
) -> dict[str, Any]:
    scores = {
        str(item["id"]): presence_iou(item["id"], truth, matched)
        for item in annotation["objects"]
        if "place" in item
    }
    order = [
        mean_x(tracks, [m for t, m in matched.items() if t.object_id == int(k)]) for k in scores
    ]
    return {
        "presence_iou": scores,
        "mean_presence_iou": float(np.mean(list(scores.values()))),
        "in_place_order": all(a < b for a, b in itertools.pairwise(order)),
        "stays_annotated": sum(str(t.object_id) in scores for t in truth),
        "stays_with_one_id": sum(
            str(t.object_id) in scores and one_id(t, matched, tracks) for t in truth
        ),
    }


def one_id(stay: Stay, matched: dict[Stay, Stay], tracks: Tracks) -> bool:
    """Whether one tracked stay covers an annotated one and no other track does so in its place."""
    if stay not in matched or spans.iou([stay.interval], [matched[stay].interval]) < 0.5:
        return False
    own = matched[stay].object_id
    center = mean_x(tracks, [matched[stay]])
    rivals = [
        other
        for other in tracks.objects
        if other.id != own
        for piece in tracks.presence(other.id)
        if spans.duration(spans.intersection([piece], [stay.interval]))
        > 0.3 * stay.interval.duration
        and abs(mean_x(tracks, [Stay(other.id, piece)]) - center) < 0.05 * width(tracks)
    ]
    return not rivals


def width(tracks: Tracks) -> int:
    return tracks.video.resolution_wh[0]


def mean_x(tracks: Tracks, found: list[Stay]) -> float:
    centers = []
    for stay in found:
        track = tracks.track(stay.object_id)
        times = tracks.times_s[track.positions]
        inside = (times >= stay.interval.start) & (times < stay.interval.end)
        centers.append(np.median(track.boxes_xyxy[inside][:, [0, 2]]))
    return float(np.median(centers)) if centers else float("nan")


def score_holds(
    annotation: dict[str, Any], graph: TemporalGraph, meant: dict[int, int]
) -> dict[str, Any]:
    truth = [
        (thing, Interval(*pair))
        for _, predicate, thing, pairs in annotation["relations"]
        if predicate == "holding"
        for pair in pairs
    ]
    found = [
        (meant.get(relation.object, relation.object), interval)
        for relation in graph.relations(predicate="holds")
        for interval in relation.intervals
    ]
    hits, extra = match_holds(truth, found)
    listing = [f"{thing}: {i.start:.2f}-{i.end:.2f}" for thing, i in sorted(found)]
    return {"annotated": len(truth), "found": hits, "extra": extra, "holds": listing}


def score_answers(annotation: dict[str, Any], agent: VideoAgent, video: Path) -> dict[str, Any]:
    rows = []
    for question in annotation["questions"]:
        answer = agent.ask(question["question"], video, choices=question["options"])
        chosen = None if answer.choice is None else answer.choice.index
        rows.append(
            {
                "qid": question["qid"],
                "question": question["question"],
                "right": chosen == question["answer"],
                "chosen": None if chosen is None else question["options"][chosen],
                "answer": question["options"][question["answer"]],
                "text": answer.text,
            }
        )
    return {"asked": len(rows), "right": sum(row["right"] for row in rows), "questions": rows}


def evaluate(video: Path, annotation: dict[str, Any], cache: Path) -> dict[str, Any]:
    pipeline = Pipeline(tracker="motion", store=GraphStore(cache))
    began = time.perf_counter()
    tracks = pipeline.tracks(video)
    seconds = time.perf_counter() - began
    truth = stays({int(k): v for k, v in annotation["presence_s"].items()})
    found = stays({track.id: tracks.presence(track.id) for track in tracks.objects})
    matched = match_stays(truth, found)
    labels, meant = names_by_match(annotation, matched)
    graph = pipeline.relabel(video, labels)
    return {
        "video": video.name,
        "tracking_s": seconds,
        "times_real_time": tracks.video.duration_s / seconds,
        "objects": {t.id: rounded(tracks.presence(t.id)) for t in tracks.objects},
        "labels": labels,
        **score_presence(annotation, tracks, matched, truth),
        "holding": score_holds(annotation, graph, meant),
        "answers": score_answers(annotation, VideoAgent("embedded", pipeline=pipeline), video),
    }


def rounded(found: Iterable[Interval]) -> list[list[float]]:
    return [[round(bound, 2) for bound in interval] for interval in found]


def missed(result: dict[str, Any]) -> list[str]:
    """Return which thresholds the result misses."""
    holding, answers = result["holding"], result["answers"]
    checks = {
        "mean presence IoU": result["mean_presence_iou"] >= MIN_PRESENCE_IOU,
        "one id per stay": result["stays_with_one_id"] == result["stays_annotated"],
        "left-to-right order": result["in_place_order"],
        "holds found": holding["found"] >= MIN_HOLDS_FOUND * holding["annotated"],
        "extra holds": holding["extra"] <= MAX_EXTRA_HOLDS,
        "answers right": answers["right"] >= MIN_ANSWERS_RIGHT * answers["asked"] - 1e-9,
    }
    return [name for name, passed in checks.items() if not passed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds videos/")
    parser.add_argument("--name", default="bottle-detection", help="name of the annotated video")
    options = parser.parse_args()
    video = options.data / "videos" / f"{options.name}.mp4"
    annotation = json.loads(video.with_suffix(".events.json").read_text())
    with tempfile.TemporaryDirectory() as cache:
        result = evaluate(video, annotation, Path(cache))
    print(json.dumps(result, indent=1))
    failures = missed(result)
    print(f"missed: {', '.join(failures)}" if failures else "every threshold is met")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
