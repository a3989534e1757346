"""`reelgraph eval`: asks, reports, compares and shows, and says what is wrong in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "eval"))

from made_benchmarks import MAKERS, three_videos

Run = Callable[..., Any]


@pytest.fixture
def asked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of six questions by two arms."""
    monkeypatch.chdir(tmp_path)
    three_videos(tmp_path / "data")
    found = run("eval", "run", "jsonl", "--data", "data", "--arms", "none,graph")
    assert found.exit_code == 0, found.output
    return tmp_path / "runs" / "jsonl-embedded"


def test_a_run_prints_how_often_each_arm_was_right(asked: Path, run: Run) -> None:
    found = run("eval", "run", "jsonl", "--data", "data", "--arms", "none,graph")
    rows = [line.split() for line in found.stdout.splitlines()]
    assert rows[0][:2] == ["arm", "questions"]
    assert [row[:2] for row in rows[1:]] == [["none", "6"], ["graph", "6"]]
    assert all("%" in row for row in rows[1:])
    assert "12 are in the log" in found.stderr
    assert f"reelgraph eval report {Path('runs/jsonl-embedded')}" in found.stderr


def test_a_dry_run_only_tells_the_cost(run: Run, tmp_path: Path) -> None:
    three_videos(tmp_path / "data")
    found = run("eval", "run", "jsonl", "--data", tmp_path / "data", "--out", tmp_path / "r",
                "--arms", "none,graph,graph~drop:0.5", "--dry-run")  # fmt: skip
    assert found.exit_code == 0
    assert found.stdout == ""
    assert "18 answers" in found.stderr
    assert not (tmp_path / "r").exists()


def test_a_report_is_three_files(asked: Path, run: Run, tmp_path: Path) -> None:
    found = run("eval", "report", asked, "-o", tmp_path / "out")
    assert found.exit_code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.md", "report.html", "report.json"}
    assert "| graph |" in (tmp_path / "out" / "report.md").read_text()


def test_shards_are_reported_as_one_run(run: Run, tmp_path: Path, asked: Path) -> None:
    shards = []
    for part in ("1/2", "2/2"):
        run("eval", "run", "jsonl", "--data", "data", "--arms", "none,graph", "--shard", part)
        shards.append(Path("runs") / f"jsonl-embedded-{part.replace('/', 'of')}")
    for folders, name in ((shards, "merged"), ([asked], "whole")):
        assert run("eval", "report", *folders, "-o", tmp_path / name).exit_code == 0
    for ending in ("md", "html", "json"):
        merged, whole = (tmp_path / n / f"report.{ending}" for n in ("merged", "whole"))
        assert merged.read_bytes() == whole.read_bytes()


def test_a_shard_alone_is_reported_with_a_warning(run: Run, tmp_path: Path, asked: Path) -> None:
    run("eval", "run", "jsonl", "--data", "data", "--arms", "none,graph", "--shard", "1/2")
    found = run("eval", "report", Path("runs/jsonl-embedded-1of2"))
    assert found.exit_code == 0
    assert "answers are missing" in found.stderr


def test_arms_are_compared_on_the_same_questions(asked: Path, run: Run) -> None:
    found = run("eval", "compare", asked, "--arms", "graph,none")
    assert found.exit_code == 0
    assert "graph - none" in found.stdout
    assert "won and lost" in found.stderr


def test_one_question_is_shown_with_all_that_is_known(asked: Path, run: Run) -> None:
    found = run("eval", "show", asked, "-q", "a1")
    for text in ("What does the child do", "* B. throw it", "none", "graph", "2.00-4.00 s", "(r1)"):
        assert text in found.stdout
    assert "child1 throw ball2" in found.stdout


def test_questions_that_an_arm_won_are_listed(asked: Path, run: Run) -> None:
    records = [json.loads(line) for line in (asked / "records.jsonl").read_text().splitlines()]
    right = {(r["arm"], r["question_id"]): r["correct"] for r in records}
    won = {q for arm, q in right if arm == "graph" and right["graph", q] and not right["none", q]}
    found = run("eval", "show", asked, "--won", "graph", "none")
    assert {line.split()[0] for line in found.stdout.splitlines()[1:]} == won
    assert run("eval", "show", asked, "--failed").stderr.strip() == "0 of 6 questions"


def test_graphs_are_built_from_video_where_the_data_has_none(
    run: Run, video: Path, tmp_path: Path
) -> None:
    line = {"video": "clip", "question": "Who hands the ball?", "answer": "person"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(line))
    found = run("eval", "run", "jsonl", "--data", tmp_path / "mine.jsonl", "--out", tmp_path / "r",
                "--videos", video.parent, "--arms", "none,graph")  # fmt: skip
    assert found.exit_code == 0, found.stderr
    shown = run("eval", "show", tmp_path / "r", "-q", "clip_1").stdout
    assert "hands" in shown.partition("Graph of graph")[2]
    assert "built_by" in (tmp_path / "r" / "run.json").read_text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["run", "nextq", "--data", "data"], "Did you mean 'nextqa'"),
        (["run", "star", "--data", "data"], "github.com/csbobby/STAR"),
        (["run", "jsonl", "--data", "absent"], "nothing at 'absent'"),
        (["run", "jsonl", "--data", "data", "--arms", "pictures"], "no arm is called 'pictures'"),
        (["run", "jsonl", "--data", "data", "--arms", "frames"], "sees no frames"),
        (["run", "jsonl", "--data", "data", "--shard", "2"], "a shard is written 1/2"),
        (["run", "jsonl", "--data", "data", "--model", "openai:gpt-5"], "OPENAI_API_KEY"),
        (["run", "jsonl", "--data", "data", "--arms", "none"], "different runs: arms"),
        (["report", "absent"], "holds no run"),
        (["report", "runs/jsonl-embedded", "--wordnet", "data"], "lacks WordNet's files"),
        (["compare", "runs/jsonl-embedded", "--arms", "graph"], "written A,B"),
        (["compare", "runs/jsonl-embedded", "--arms", "graph,nope"], "'nope'"),
        (["show", "runs/jsonl-embedded", "-q", "a3"], "near are: a"),
        (["show", "runs/jsonl-embedded", "--won", "graph", "nope"], "no arm 'nope'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str], problem: str, asked: Path, run: Run
) -> None:
    found = run("eval", *words)
    assert found.exit_code == 2
    assert problem in " ".join(found.stderr.split())
    assert "Traceback" not in found.stderr


def test_published_answers_can_be_reported(run: Run, tmp_path: Path) -> None:
    folder = MAKERS["nextqa"](tmp_path / "data")
    (tmp_path / "hga.json").write_text('{"1001_3": {"prediction": 1}, "1001_4": 0}')
    found = run("eval", "run", "nextqa", "--data", folder, "--out", tmp_path / "r",
                "--arms", f"answers:{tmp_path / 'hga.json'}")  # fmt: skip
    assert found.exit_code == 0
    assert found.stdout.splitlines()[1].split()[:3] == ["hga", "2", "50.0"]
