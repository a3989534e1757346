"""What each command prints, writes and returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
import typer
from typer.testing import CliRunner

from reelgraph.cli import app
from reelgraph.cli.rendering import human_size
from reelgraph.cli.services import Services
from reelgraph.errors import ReelgraphError, VideoWarning

Run = Callable[..., Any]


# --- ask -----------------------------------------------------------------------------------------


def test_an_answer_comes_with_its_evidence(run: Run, video: Path) -> None:
    result = run("ask", video, "Who hands the ball?")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "hands" in lines[0]
    (row,) = [line for line in lines if "r1" in line]
    assert "0.25 - 0.50 s" in row
    assert "%" in lines[-1]


def test_remarks_go_to_standard_error_and_name_guessed_labels(run: Run, video: Path) -> None:
    result = run("ask", video, "Who hands the ball?")
    assert "no GPU here" in result.stderr
    assert "Labels are guesses: person #1" in result.stderr
    assert "--label 1=" in result.stderr
    assert "guess" not in result.stdout
    assert run("ask", video, "Who hands the ball?", "--quiet").stderr == ""


def test_json_is_the_whole_answer_and_nothing_else(run: Run, video: Path) -> None:
    answer = json.loads(run("ask", video, "Who hands the ball?", "--json").stdout)
    assert answer["question"] == "Who hands the ball?"
    assert answer["evidence"][0]["relation"] == "r1"
    assert answer["evidence"][0]["interval"] == [0.25, 0.5]


@pytest.mark.parametrize(
    "options",
    [["--choices", "a cup, a ball"], ["--choice", "a cup", "--choice", "a ball"]],
)
def test_choices_are_given_joined_or_one_by_one(run: Run, video: Path, options: list[str]) -> None:
    result = run("ask", video, "What is handed over?", *options, "--json")
    assert json.loads(result.stdout)["choice"]["index"] == 1


def test_labels_are_kept_and_used(run: Run, video: Path) -> None:
    assert run("ask", video, "Who hands the ball?", "--label", "1=Woman").exit_code == 0
    assert "woman #1" in run("ask", video, "Who hands the ball?").stdout


def test_during_is_passed_on(run: Run, video: Path) -> None:
    result = run("ask", video, "Who hands the ball?", "--during", "0.7", "0.9", "--json")
    assert json.loads(result.stdout)["abstained"]


def test_evidence_is_a_picture(run: Run, video: Path, tmp_path: Path) -> None:
    path = tmp_path / "proof.png"
    assert run("ask", video, "Who hands the ball?", "--evidence", path).exit_code == 0
    assert cv2.imread(str(path)).shape[1] > 1000


# --- graph and tracks ----------------------------------------------------------------------------


def test_the_graph_is_text_on_the_screen_and_json_in_a_json_file(
    run: Run, video: Path, tmp_path: Path
) -> None:
    assert " r1\n" in run("graph", video).stdout
    path = tmp_path / "graph.json"
    result = run("graph", video, "-o", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads(path.read_text())["relations"][0]["id"] == "r1"
    assert json.loads(run("graph", video, "--format", "json").stdout)["schema_version"] == 1


def test_the_graph_is_a_page_in_an_html_file(run: Run, video: Path, tmp_path: Path) -> None:
    path = tmp_path / "graph.html"
    result = run("graph", video, "-o", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert run("graph", video, "--format", "html").stdout == path.read_text()
    other = tmp_path / "graph.json"
    assert run("graph", video, "--format", "html", "-o", other).exit_code == 0
    assert other.read_text() == path.read_text(), "the option goes before the file's ending"


def test_an_unknown_format_is_refused_with_the_known_ones(run: Run, video: Path) -> None:
    result = run("graph", video, "--format", "svg")
    assert result.exit_code == 2
    assert "'svg'" in result.stderr
    assert "html" in result.stderr


def test_tracks_are_listed_and_written(run: Run, video: Path, tmp_path: Path) -> None:
    masks, preview = tmp_path / "masks.json", tmp_path / "preview.mp4"
    result = run("tracks", video, "-o", masks, "--preview", preview)
    assert result.exit_code == 0, result.output
    assert "#3" in result.stdout
    assert len(json.loads(masks.read_text())) == 25
    assert preview.read_bytes()[4:8] == b"ftyp"


# --- files that cannot be written ----------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "{video}", "Who?", "--evidence", "{bad}"),
        ("graph", "{video}", "-o", "{bad}"),
        ("tracks", "{video}", "-o", "{bad}"),
        ("tracks", "{video}", "--preview", "{bad}.mp4"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    run: Run, video: Path, pipeline: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    bad = tmp_path / "no such folder" / "out.json"
    result = run(*(word.format(video=video, bad=bad) for word in words))
    assert_one_line(result, "no such folder")
    assert pipeline.built == 0


@pytest.mark.parametrize("question", ["", " ", "why? " * 2000])
def test_a_bad_question_is_refused_before_the_work(
    run: Run, video: Path, pipeline: Any, question: str
) -> None:
    assert_one_line(run("ask", video, question, "--label", "1=bottle"), "the question")
    assert pipeline.built == 0


def test_an_output_that_is_a_folder_is_refused(run: Run, video: Path, tmp_path: Path) -> None:
    assert_one_line(run("graph", video, "-o", tmp_path), "is a folder")


def test_a_preview_must_be_mp4(run: Run, video: Path, tmp_path: Path) -> None:
    assert_one_line(run("tracks", video, "--preview", tmp_path / "p.avi"), "name it .mp4")


def assert_one_line(result: Any, words: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert words in line


# --- failures ------------------------------------------------------------------------------------


def failing(error: BaseException) -> Any:
    def fail(settings: object) -> Any:
        raise error

    return CliRunner().invoke(app, ["graph", "clip.mp4"], obj=Services(pipeline=fail))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ReelgraphError("the cache is broken;\nclear it"), "the cache is broken; clear it"),
        (OSError(28, "No space left on device", "out.json"), "No space left on device: 'out.json'"),
        (ReelgraphError("[bold]markup[/bold] is text"), "[bold]markup[/bold] is text"),
    ],
)
def test_what_a_user_can_fix_is_one_line(error: Exception, words: str) -> None:
    assert_one_line(failing(error), words)


def test_a_bug_keeps_its_traceback() -> None:
    result = failing(KeyError("a bug"))
    assert isinstance(result.exception, KeyError)


def test_stopping_exits_cleanly() -> None:
    result = failing(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr.startswith("Stopped")


def test_a_video_warning_is_one_line_and_said_once(run: Run, video: Path, pipeline: Any) -> None:
    graph = pipeline.graph

    def warns(*args: Any, **options: Any) -> Any:
        for _ in range(3):
            warnings.warn(VideoWarning("only the first 3 s decode"), stacklevel=2)
        return graph(*args, **options)

    pipeline.graph = warns
    result = run("graph", video, "--quiet")
    assert result.exit_code == 0
    assert result.stderr == "Warning: only the first 3 s decode\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--label", "bottle"), "--label 1=bottle"),
        (("--label", "x=bottle"), "--label 1=bottle"),
        (("--label", "1="), "--label 1=bottle"),
        (("--label", "9=bottle"), "no object has id 9"),
        (("--choices", "a"), "at least two"),
        (("--during", "5", "3"), "(5.0, 3.0)"),
        (("--model", "nobody:nothing"), "nobody"),
        (("--model", "openai:gpt-5"), "OPENAI_API_KEY"),
    ],
)
def test_wrong_values_are_one_line(
    run: Run, video: Path, words: tuple[str, ...], message: str
) -> None:
    assert_one_line(run("ask", video, "Who hands the ball?", *words), message)


# --- doctor, cache, help -------------------------------------------------------------------------


def test_doctor_finds_a_sound_core_and_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0, result.output
    checks = json.loads(result.stdout)
    assert {check["state"] for check in checks} <= {"ok", "missing"}
    assert {"Python", "Packages", "Video", "Cache", "Extra", "Model"} <= {
        check["subject"] for check in checks
    }
    assert "OPENAI_API_KEY is set" in result.stdout
    assert "secret" not in result.stdout


def test_doctor_says_how_to_mend_a_broken_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_MAX_TOKENS", "many")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "broken" in result.stdout
    assert "REELGRAPH_MAX_TOKENS" in result.stdout


def test_the_cache_is_listed_checked_and_cleared(private_cache: Path) -> None:
    from reelgraph.graph.store import GraphStore, StageKey

    key = StageKey(media_sha256="ab" * 32, stage="tracks", tool="motion", version="1")
    store = GraphStore()
    store.put(key, b"x" * 1234)
    store.close()
    runner = CliRunner(env={"COLUMNS": "100"})
    listed = runner.invoke(app, ["cache", "list"])
    assert "tracks: motion" in listed.stdout
    assert "1.2 kB" in listed.stdout
    records = json.loads(runner.invoke(app, ["cache", "list", "--json"]).stdout)
    shown = runner.invoke(app, ["cache", "show", key.digest[:6]])
    assert json.loads(shown.stdout) == records[0]
    assert "all sound" in runner.invoke(app, ["cache", "verify"]).stdout
    assert runner.invoke(app, ["cache", "clear"], input="n\n").exit_code == 1
    assert len(GraphStore().list()) == 1
    assert runner.invoke(app, ["cache", "clear", "--yes"]).exit_code == 0
    assert GraphStore().list() == []
    assert_one_line(runner.invoke(app, ["cache", "show", "ab"]), "no entry")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5 * 10**9, "5.0 GB"), (10**15, "1000.0 TB")],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert human_size(size) == text


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, reelgraph.cli\n"
        "print(sorted({'cv2', 'av', 'langchain', 'langchain_core', 'networkx', 'scipy', 'torch',"
        " 'openai', 'pycocotools', 'pydantic'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
    assert min(_seconds_for_help() for _ in range(3)) < 0.7


def _seconds_for_help() -> float:
    """Seconds of processor time, which other work on the machine does not lengthen."""
    before = sum(os.times()[2:4])
    subprocess.run([sys.executable, "-m", "reelgraph", "--help"], capture_output=True, check=True)
    return sum(os.times()[2:4]) - before


def test_the_version_is_shown() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("reelgraph 0.")


def test_the_console_script_is_the_app() -> None:
    assert isinstance(app, typer.Typer)


def test_lines_in_a_pipe_end_where_their_text_ends(run: Run, video: Path) -> None:
    lines = run("ask", video, "Who hands the ball?").stdout.splitlines()
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    ("right", "code", "verdict"), [(True, 0, "right: "), (False, 1, "wrong: ")]
)
def test_the_demo_says_whether_its_answers_are_right(
    run: Run,
    video: Path,
    pipeline: Any,
    monkeypatch: pytest.MonkeyPatch,
    right: bool,
    code: int,
    verdict: str,
) -> None:
    from reelgraph.agent import Answer
    from reelgraph.demo import Check, DemoResult

    def prepared(output: Path, *, pipeline: Any, progress: object) -> DemoResult:
        answer = Answer(question="Who?", text="Person #1 does.", model="embedded", confidence=0.9)
        check = Check(question="Who?", expected="the one in red", found="somebody", right=right)
        graph = pipeline.graph(video)
        files = {"clip": video, "graph_file": output / "g.json", "contact_sheet": output / "e.png"}
        return DemoResult(graph=graph, answers=(("Who?", answer),), checks=(check,), **files)

    monkeypatch.setattr("reelgraph.demo.run_demo", prepared, raising=False)
    result = run("demo", "--output", video.parent)
    assert result.exit_code == code, result.output
    assert "Who?\nPerson #1 does.\n" in result.stdout
    assert f"{verdict}painted is the one in red; found is somebody" in result.stdout
    assert "e.png" in result.stderr
