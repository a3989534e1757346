"""Small benchmarks in the form of their owners' files, and a benchmark of three videos."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

OPTIONS = ("hold it", "throw it", "eat it", "push it", "kiss it")


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def nextqa_row(video: str, qid: int, answer: object = 0, **others: object) -> dict[str, object]:
    row: dict[str, object] = {
        "video": video,
        "frame_count": 300,
        "width": 640,
        "height": 480,
        "question": f"what does the child do with the ball in {video} number {qid}",
        "answer": answer,
        "qid": qid,
        "type": "CW",
    }
    return row | {f"a{i}": option for i, option in enumerate(OPTIONS)} | others


def nextqa(folder: Path) -> Path:
    write_csv(folder / "val.csv", [nextqa_row("1001", 3, 1), nextqa_row("1001", 4, 4, type="TN")])
    return folder


def nextoe(folder: Path) -> Path:
    row = nextqa_row("1001", 3, "throw it", additional_ref_answer="toss", type="DB")
    write_csv(folder / "nextoe" / "val.csv", [row])
    return folder


def nextgqa(folder: Path) -> Path:
    row = nextqa_row("1001", 3, "eat it")
    write_csv(folder / "val.csv", [{"video_id": row.pop("video"), **row}])
    spans = {"1001": {"duration": 34, "location": {"3": [[1.2, 5.8], [7, 9]]}, "fps": 29.97}}
    write_json(folder / "gsub_val.json", spans)
    return folder


def intentqa(folder: Path) -> Path:
    row = nextqa_row("1001", 3, 2, type="TP&TN", action="left", lemma="leave", lemma_id=130)
    write_csv(folder / "val.csv", [{"video_id": row.pop("video"), **row}])
    return folder


SITUATIONS = {
    "000030": {
        "rel_pairs": [["person", "cup"], ["cup", "table"]],
        "rel_labels": ["holding", "on"],
        "bbox_labels": [],
        "actions": ["Holding a cup"],
    },
    "000060": {"rel_pairs": [["person", "cup"]], "rel_labels": ["drinking from"], "actions": []},
}


def star(folder: Path) -> Path:
    question = {
        "question_id": "Interaction_T1_7",
        "question": "What did the person do with the cup?",
        "video_id": "0TXYV",
        "start": 0.5,
        "end": 3.0,
        "answer": "Drank from.",
        "question_program": [],
        "choices": [
            {"choice_id": 1, "choice": "Drank from.", "choice_program": []},
            {"choice_id": 0, "choice": "Put down.", "choice_program": []},
        ],
        "situations": SITUATIONS,
    }
    write_json(folder / "STAR_val.json", [question])
    return folder


def agqa(folder: Path) -> Path:
    question = {
        "question": "Did they touch a dish?",
        "answer": "No",
        "video_id": "YSKX3",
        "ans_type": "binary",
        "structural": "verify",
        "semantic": "relation",
    }
    write_json(folder / "test_balanced.txt", {"YSKX3-3334": question})
    return folder


def perception_test(folder: Path) -> Path:
    question = {
        "id": 0,
        "question": "Is the camera moving?",
        "options": ["No", "Yes", "I don't know"],
        "answer_id": 1,
        "area": "physics",
        "reasoning": "descriptive",
        "tag": ["motion"],
    }
    metadata = {"split": "valid", "frame_rate": 30.0, "num_frames": 900}
    video = {"metadata": metadata, "mc_question": [question], "object_tracking": []}
    write_json(folder / "all_valid.json", {"video_1580": video})
    return folder


def egoschema(folder: Path) -> Path:
    shared = {f"option {i}": option for i, option in enumerate(OPTIONS)}
    asked = [
        {"q_uid": uid, "google_drive_id": "x", "question": "What is it about?", **shared}
        for uid in ("aa-1", "bb-2")
    ]
    write_json(folder / "questions.json", asked)
    write_json(folder / "subset_answers.json", {"bb-2": 3})
    return folder


def mvbench(folder: Path) -> Path:
    plain = {"video": "1.mp4", "question": "What?", "candidates": ["Sit", "Run"], "answer": "Run"}
    timed = plain | {"video": "2.mp4", "start": 1.5, "end": 4.0}
    write_json(folder / "json" / "action_antonym.json", [plain])
    write_json(folder / "json" / "action_sequence.json", [timed])
    return folder


def videomme(folder: Path) -> Path:
    row = {
        "video_id": "001",
        "duration": "short",
        "domain": "Knowledge",
        "sub_category": "History",
        "url": "https://example.org",
        "videoID": "fFjv93ACGo8",
        "question_id": "001-1",
        "task_type": "Counting Problem",
        "question": "How many?",
        "options": ["A. One.", "B. Two.", "C. Three.", "D. Four."],
        "answer": "C",
    }
    (folder / "videomme.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return folder


def pvsg(folder: Path) -> Path:
    question = {"qid": "8", "type": "TC", "question": "how", "options": ["a", "b"], "answer": 1}
    asked = {"mc": [question | {"gqa_spans_s": [[9.1, 17.8]]}], "oe": []}
    write_json(folder / "questions.json", {"0004_1": asked})
    graph = {
        "video_id": "0004_1",
        "fps": 5.0,
        "n_frames": 100,
        "time_unit": "seconds",
        "objects": [{"col": 0, "gt_id": 1, "name": "child", "is_thing": True}],
        "relations": [],
    }
    write_json(folder / "gt" / "0004_1.json", graph)
    return folder


def jsonl(folder: Path) -> Path:
    write_json(folder / "graphs" / "clip.json", made_graph("clip.mp4"))
    lines: list[dict[str, Any]] = [
        {
            "id": "q1",
            "video": "clip.mp4",
            "question": "Who throws the ball?",
            "choices": ["a dog", "a child"],
            "answer": "A child",
            "type": "who",
            "spans": [[3.0, 5.2]],
            "during": [0, 10],
            "graph": "graphs/clip.json",
        },
        {"video": "clip.mp4", "question": "What flies?", "answer": ["ball", "a ball"]},
    ]
    path = folder / "questions.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "agqa": agqa,
    "egoschema": egoschema,
    "intentqa": intentqa,
    "jsonl": jsonl,
    "mvbench": mvbench,
    "nextgqa": nextgqa,
    "nextoe": nextoe,
    "nextqa": nextqa,
    "perception_test": perception_test,
    "pvsg": pvsg,
    "star": star,
    "videomme": videomme,
}


def made_graph(video: str, predicate: str = "throw") -> dict[str, Any]:
    """A document: a child does something with a ball from 2 s to 4 s of 10 s."""
    return {
        "schema_version": 1,
        "video": {
            "path": video,
            "sha256": "",
            "duration_s": 10.0,
            "fps": 25.0,
            "frame_count": 250,
            "resolution_wh": [640, 360],
            "rotation": 0,
        },
        "objects": [
            {"id": 1, "label": "child", "presence": [[0, 10]]},
            {"id": 2, "label": "ball", "presence": [[0, 10]]},
            {"id": 3, "label": "dog", "presence": [[5, 10]]},
        ],
        "relations": [
            {
                "id": "r1",
                "subject": 1,
                "predicate": predicate,
                "object": 2,
                "intervals": [[2.0, 4.0]],
                "kind": "contact",
                "source": "made",
            },
            {
                "id": "r2",
                "subject": 3,
                "predicate": "chase",
                "object": 2,
                "intervals": [[6.0, 8.0]],
                "kind": "motion",
                "source": "made",
            },
        ],
        "provenance": [],
    }


def three_videos(folder: Path) -> Path:
    """A benchmark of one's own: six questions on three videos, with graphs and captions."""
    lines = []
    for number, (name, verb) in enumerate((("a", "throw"), ("b", "hold"), ("c", "push"))):
        write_json(folder / "graphs" / f"{name}.json", made_graph(name, verb))
        shared = {"video": name, "graph": f"graphs/{name}.json", "choices": list(OPTIONS)}
        asked = f"What does the child do with the ball in clip {name}?"
        lines.append({"id": f"{name}1", "question": asked, "answer": (1, 0, 3)[number], **shared})
        asked = f"What happens at the end of clip {name}?"
        lines.append({"id": f"{name}2", "question": asked, "answer": 2, "type": "end", **shared})
    captions = {name: {"0": "A child holds it.", "5": "They eat it now."} for name in "abc"}
    write_json(folder / "captions_1fps.json", captions)
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return folder
