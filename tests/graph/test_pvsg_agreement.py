"""The agreement script counts as its rules say, on graphs small enough to count by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GT: dict[str, Any] = {
    "video_id": "v",
    "fps": 5.0,
    "n_frames": 100,
    "time_unit": "seconds",
    "objects": [
        {"col": 0, "gt_id": 1, "name": "wall", "is_thing": False},
        {"col": 1, "gt_id": 2, "name": "adult"},
        {"col": 2, "gt_id": 3, "name": "ball"},
    ],
    "relations": [
        {"subj": 2, "pred": "holding", "obj": 3, "spans": [[0.0, 5.0]]},
        {"subj": 2, "pred": "throwing", "obj": 3, "spans": [[5.0, 6.0]]},
        {"subj": 3, "pred": "on", "obj": 1, "spans": [[10.0, 20.0]]},
    ],
}
SAID = {
    # Columns 1 and 2 were given: object 1 is the adult, object 2 the ball.
    "objects": [{"object 1": "person"}, {"object 2": "Ball (uncertain)"}],
    "relationships": [
        [1, "holds", 2, [[0, 9]]],
        [1, "held", 2, [[0, 9]]],
        [1, "throws", 2, [[10, 12]]],
        [2, "holding", 1, [[0, 9]]],
    ],
}


def agreement(tmp_path: Path, repository: Path, stats: dict[str, Any]) -> Any:
    folder = tmp_path / "pvsg_traser"
    for name in ("gt", "preds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "gt" / "v.json").write_text(json.dumps(GT))
    (folder / "preds" / "v.json").write_text(json.dumps(SAID))
    (folder / "stats_selected.json").write_text(json.dumps(stats))
    command = [sys.executable, "-m", "benchmarks.pvsg_agreement", "--data", str(tmp_path), "--json"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def test_the_counts_follow_the_rules(tmp_path: Path, repository: Path) -> None:
    done = agreement(tmp_path, repository, {"v": {"mask_columns": [1, 2]}})
    assert done.returncode == 0, done.stderr
    video, everything = json.loads(done.stdout)
    # The ball is named right, the person is not: "adult" is another word.
    assert (video["objects"]["said"], video["objects"]["annotated"]) == (2, 3)
    assert video["objects"]["agreed"] == 1
    # Holding agrees and counts once; throwing comes at another time; one is reversed.
    assert (video["relations"]["said"], video["relations"]["annotated"]) == (3, 3)
    assert video["relations"]["agreed"] == 1
    assert video["relations"]["f1"] == pytest.approx(1 / 3, abs=1e-4)
    assert video["triplets"]["agreed"] == 0
    assert video["mean_tiou"] == pytest.approx(0.5)
    assert everything["relations"] == video["relations"]


def test_objects_are_not_matched_by_guess(tmp_path: Path, repository: Path) -> None:
    done = agreement(tmp_path, repository, {})
    assert done.returncode != 0
    assert "mask_columns" in done.stderr


def test_the_six_videos(data_dir: Path, repository: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.pvsg_agreement", "--data", str(data_dir)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    rows = [line for line in done.stdout.splitlines() if line[:4].isdigit() and "%" not in line]
    assert len([row for row in rows if "repaired" not in row]) == 6
    assert "all" in done.stdout
