"""`reelgraph tracks` with a tracker that takes prompts: what is written, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from reelgraph.cli import app
from reelgraph.cli.services import Services
from reelgraph.graph.store import GraphStore
from reelgraph.graph.svg2_stages import STAGE_FILES, read_stage1, read_stage_tracks
from reelgraph.graph.track_formats import read_traser_masks
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker
from reelgraph.tools.video import Video

RED, BLUE = (200, 30, 30), (30, 30, 200)


def paint(index: int, width: int, height: int) -> np.ndarray:
    """A red box that walks, and a blue one that stands."""
    image = np.full((height, width, 3), 90, np.uint8)
    image[4:44, 2 + index : 42 + index] = RED
    image[50:90, 80:120] = BLUE
    return image


@pytest.fixture
def clip(tmp_path: Path, make_video: Callable[..., Path]) -> Path:
    times = tuple(range(0, 2000, 100))
    path = tmp_path / "clip.mkv"
    return make_video(
        path, times_ms=times, size=(128, 96), codec="ffv1", pix_fmt="bgr0", painter=paint
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    tracker = Sam2Tracker(engine=ColourEngine([RED, BLUE]))
    pipeline = Pipeline(tracker=tracker, generators=[], store=GraphStore(tmp_path / "cache"))
    services = Services(pipeline=lambda settings: pipeline)

    def invoke(*words: object) -> Any:
        runner = CliRunner(env={"COLUMNS": "100"})
        return runner.invoke(app, ["tracks", *map(str, words)], obj=services)

    return invoke


def ids(path: Path, clip: Path) -> list[int]:
    video = Video.open(clip)
    tracks = read_traser_masks(path, video.info, video.times_s)
    return [track.id for track in tracks.objects]


def test_what_is_pointed_out_is_followed_and_never_taken_for_everything(run, clip, tmp_path):
    masks = tmp_path / "masks.json"
    assert run(clip, "-o", masks).exit_code == 0
    assert ids(masks, clip) == [1, 2]
    result = run(clip, "-o", masks, "--point", "1.0:100,60", "--preview", tmp_path / "p.mp4")
    assert result.exit_code == 0, result.output
    assert "#1" in result.stdout
    assert "#2" not in result.stdout
    assert ids(masks, clip) == [1]
    assert (tmp_path / "p.mp4").read_bytes()[4:8] == b"ftyp"
    assert run(clip, "-o", masks).exit_code == 0
    assert ids(masks, clip) == [1, 2]


def test_points_boxes_and_masks_may_be_mixed(run, clip, tmp_path):
    import cv2

    picture = tmp_path / "mask.png"
    cv2.imwrite(str(picture), (paint(5, 128, 96) == BLUE).all(axis=2).astype(np.uint8) * 255)
    output = tmp_path / "tracks.json"
    words = ("--mask", f"0.5:{picture}", "--box", "0:0,0,50,48", "--point", "1:100,60 -5,90")
    result = run(clip, *words, "-o", output, "--masks-format", "svg2")
    assert result.exit_code == 0, result.output
    video = Video.open(clip)
    found = read_stage_tracks(output, video.info, video.times_s)
    assert [track.id for track in found.objects] == [1, 2, 3]
    blue, red = ((paint(7, 128, 96) == colour).all(axis=2) for colour in (BLUE, RED))
    for number, truth in ((1, blue), (2, red), (3, blue)):
        assert np.array_equal(found.mask(number, 7), truth)


def test_the_stage_files_of_svg2_are_written(run, clip, tmp_path):
    folder = tmp_path / "new" / "stages"
    result = run(clip, "--stages", folder)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(STAGE_FILES)
    first = read_stage1(folder / STAGE_FILES[0])
    assert list(first.masks) == [0, 10]
    assert [len(masks) for masks in first.masks.values()] == [2, 2]
    assert first.sample_rate == 10
    video = Video.open(clip)
    for name in STAGE_FILES[1:]:
        found = read_stage_tracks(folder / name, video.info, video.times_s)
        assert [len(track.rles) for track in found.objects] == [20, 20]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--point", "1.0"), "SECONDS:X,Y"),
        (("--point", "1.0:200,10"), "outside the frame of 128x96"),
        (("--point", "7:10,10"), "ends at 1.940 s"),
        (("--box", "1:9,9,2,2"), "left < right"),
        (("--box", "1:9,9"), "SECONDS:LEFT,TOP,RIGHT,BOTTOM"),
        (("--mask", "1:absent.png"), "absent.png"),
    ],
)
def test_a_bad_prompt_is_one_line(run, clip, words, expected):
    result = run(clip, *words)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert expected in line


@pytest.mark.parametrize("words", [("--point", "1:10,10"), ("--stages", "folder")])
def test_another_tracker_says_which_one_takes_prompts(clip, tmp_path, words):
    words = [word.replace("folder", str(tmp_path / "stages")) for word in words]
    arguments = ["tracks", str(clip), "--tracker", "motion", *words]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "--tracker sam2" in result.stderr


def test_a_stage_folder_that_is_a_file_is_refused(run, clip, tmp_path):
    (tmp_path / "file").touch()
    result = run(clip, "--stages", tmp_path / "file")
    assert result.exit_code == 2
    assert "file" in result.stderr
