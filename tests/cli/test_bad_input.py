"""Bad input to the real chain: one line that says what to do, or an answer with a warning."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from reelgraph.cli import app

QUESTION = "What moves?"
STEADY_MS = tuple(range(0, 1600, 40))


def moving_square(index: int, width: int, height: int) -> np.ndarray:
    """A textured wall that a red square crosses."""
    image = np.random.default_rng(7).integers(90, 150, (height, width, 3)).astype(np.uint8)
    side = max(2, height // 4)
    left = int((width - side) * min(1.0, index / 40))
    image[height // 3 : height // 3 + side, left : left + side] = (220, 30, 30)
    return image


def creeping_square(index: int, width: int, height: int) -> np.ndarray:
    """The same wall; the square moves a few pixels from frame to frame."""
    image = np.random.default_rng(7).integers(90, 150, (height, width, 3)).astype(np.uint8)
    image[20:44, 40 + 6 * index : 64 + 6 * index] = (220, 30, 30)
    return image


@pytest.fixture
def clip(tmp_path: Path, make_video: Callable[..., Path]) -> Callable[..., Path]:
    """Write a clip of a moving square: ``clip("name.mp4", size=..., times_ms=...)``."""

    def write(name: str = "clip.mp4", **options: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"times_ms": STEADY_MS, "size": (160, 120), "painter": moving_square} | options
        return make_video(path, **options)

    return write


def ask(*words: object) -> Any:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["ask", *map(str, words)])


def assert_refused(result: Any, *expected: str) -> None:
    """One line on standard error, nothing else, exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert [words for words in expected if words not in line] == []


def assert_answered(result: Any, *warned: str) -> None:
    """An answer, exit code 0, and the warnings that were due on a line each."""
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(warnings) == len(warned), result.stderr
    assert all(words in line for words, line in zip(warned, warnings, strict=True))
    assert "Traceback" not in result.output


# --- files that hold no video --------------------------------------------------------------------


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(10):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16_000, number * 1024
            frame.time_base = Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


NO_VIDEO: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp4": (lambda path: None, "there is no file"),
    "empty.mp4": (lambda path: path.write_bytes(b""), "is empty"),
    "text.mp4": (lambda path: path.write_text("not a video at all\n" * 50), "cannot be read"),
    "sound.mp4": (write_sound, "no video stream"),
    "folder.mp4": (lambda path: path.mkdir(), "not a file"),
    "zeros.mp4": (lambda path: path.write_bytes(bytes(5000)), "cannot be read"),
}


@pytest.mark.parametrize("name", NO_VIDEO)
@pytest.mark.parametrize("command", ["ask", "graph", "tracks"])
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, command: str) -> None:
    write, reason = NO_VIDEO[name]
    write(tmp_path / name)
    words = [command, str(tmp_path / name)] + ([QUESTION] if command == "ask" else [])
    assert_refused(CliRunner().invoke(app, words), name, reason)


# --- odd but usable video ------------------------------------------------------------------------


def test_a_truncated_file_is_answered_from_what_decodes_and_warned_of_each_time(
    clip: Callable[..., Path],
) -> None:
    path = clip("cut.mkv", gop=5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    for _ in ("cold", "from the cache"):
        assert_answered(ask(path, QUESTION), "is cut short or damaged")


def test_variable_frame_rate_keeps_true_times(clip: Callable[..., Path]) -> None:
    times_ms = np.cumsum([0] + [20, 90, 40] * 13)
    path = clip("vfr.mp4", times_ms=tuple(map(int, times_ms)))
    assert_answered(ask(path, QUESTION))
    result = CliRunner().invoke(app, ["graph", str(path), "--format", "json"])
    document = json.loads(result.stdout)
    shown_ms = {*times_ms.tolist(), round(document["video"]["duration_s"] * 1000)}
    spans = [span for item in document["objects"] for span in item["presence"]]
    assert spans
    assert {round(bound * 1000) for span in spans for bound in span} <= shown_ms


def test_eight_pixels_are_answered_with_the_remark_that_nothing_moved(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    path = clip(size=(8, 8))
    assert_answered(ask(path, QUESTION, "--evidence", tmp_path / "proof.png"), "Nothing moved")
    preview = tmp_path / "preview.mp4"
    drawn = CliRunner().invoke(app, ["tracks", str(path), "--preview", str(preview)])
    assert drawn.exit_code == 0, drawn.output
    assert preview.stat().st_size > 0


def test_one_frame_is_answered_with_the_remark_that_nothing_moved(
    clip: Callable[..., Path],
) -> None:
    assert_answered(ask(clip(times_ms=(0,)), "What is there?"), "Nothing moved")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rotated.mp4", {"rotation": 90}),
        ("upside-down.mp4", {"rotation": 180}),
        (
            "wide.mp4",
            {"size": (4096, 64), "times_ms": STEADY_MS[:24], "painter": creeping_square},
        ),
        ("odd.mkv", {"size": (161, 121), "codec": "ffv1", "pix_fmt": "bgr0"}),
        ("with space/ünïcödé 視頻 'quoted'.mp4", {}),
        ("-starts-with-a-dash.mp4", {}),
        ("[bold]markup[/bold].mp4", {}),
    ],
)
def test_unusual_video_is_answered(
    clip: Callable[..., Path], tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path = clip(name, **options)
    assert_answered(ask(path, QUESTION))
    preview, proof = tmp_path / "preview.mp4", tmp_path / "proof.png"
    drawn = CliRunner().invoke(app, ["tracks", str(path), "--preview", str(preview)])
    assert drawn.exit_code == 0, drawn.output
    assert_answered(ask(path, QUESTION, "--evidence", proof))
    assert preview.stat().st_size > 0
    assert proof.stat().st_size > 0


# --- questions and options -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "options", "reason"),
    [
        ("", (), "question is empty"),
        ("  \n ", (), "question is empty"),
        ("who " * 2500, (), "the question has 9999 characters"),
        (QUESTION, ("--choices", "ball"), "at least two"),
        (QUESTION, ("--choices", " , "), "at least two"),
        (QUESTION, ("--during", "90", "95"), "outside the video"),
        (QUESTION, ("--tracker", "moton"), "Did you mean 'motion'?"),
        (QUESTION, ("--generator", "geometri"), "Did you mean 'geometry'?"),
        (QUESTION, ("--label", "77=ball"), "77"),
    ],
)
def test_questions_and_options_that_cannot_be_used_are_refused(
    clip: Callable[..., Path], question: str, options: tuple[str, ...], reason: str
) -> None:
    assert_refused(ask(clip(times_ms=STEADY_MS[:5]), question, *options), reason)


def test_a_question_in_no_language_is_not_answered_with_a_guess(clip: Callable[..., Path]) -> None:
    assert_answered(ask(clip(), "xyzzy §§§ \u0000 [bold] {brace} %s"))


# --- cache folders -------------------------------------------------------------------------------


def test_a_cache_folder_that_cannot_be_made_costs_a_warning(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    # A file in its place refuses everybody, the superuser included.
    (tmp_path / "file").write_text("in the way")
    assert_answered(ask(clip(), QUESTION, "--cache", tmp_path / "file" / "cache"), "cannot be used")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions bind no superuser")
def test_a_read_only_cache_folder_costs_a_warning(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o555)
    assert_answered(ask(clip(), QUESTION, "--cache", folder), "cannot be used")


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file sizes")
def test_a_full_cache_folder_costs_a_warning(clip: Callable[..., Path], tmp_path: Path) -> None:
    # No file may grow past 4 kB: what a full disk does, without filling one.
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from reelgraph.cli import main; main()"
    )
    words = ["ask", str(clip()), QUESTION, "--cache", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["-o", "--preview"])
def test_the_video_is_never_written_over(run: Callable[..., Any], video: Path, option: str) -> None:
    before = video.read_bytes()
    result = run("tracks", video, option, video)
    assert result.exit_code == 2
    assert "choose another output" in result.stderr
    assert video.read_bytes() == before
