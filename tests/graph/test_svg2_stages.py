"""SVG2's files of stages 1 to 3: written, read back, and other people's files read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.svg2_stages import (
    AutomaticMasks,
    read_stage1,
    read_stage_tracks,
    write_stage1,
    write_stage_tracks,
)
from reelgraph.graph.tracks import Track, Tracks, encode_mask, rle_box

WIDTH, HEIGHT, FRAMES = 12, 8, 6
INFO = VideoInfo(
    path="clip.mp4",
    sha256="0" * 64,
    duration_s=FRAMES / 10,
    fps=10.0,
    frame_count=FRAMES,
    resolution_wh=(WIDTH, HEIGHT),
    rotation=0,
)
TIMES = np.arange(FRAMES) / 10


def counts(left: int, right: int) -> bytes:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:5, left:right] = True
    return encode_mask(mask)


def tracks_of(rows: dict[int, dict[int, bytes]], indices=range(FRAMES)) -> Tracks:
    objects = []
    for number, rles in sorted(rows.items()):
        boxes = [rle_box(rle, resolution_wh=(WIDTH, HEIGHT)) for rle in rles.values()]
        objects.append(
            Track(number, np.array(list(rles)), np.array(boxes, float), tuple(rles.values()))
        )
    frames = np.array(indices)
    return Tracks(INFO, frames, TIMES[frames], 0.6, tuple(objects))


def same(a: Tracks, b: Tracks) -> bool:
    return [(t.id, t.positions.tolist(), t.rles) for t in a.objects] == [
        (t.id, t.positions.tolist(), t.rles) for t in b.objects
    ]


def test_tracks_survive_the_round_trip(tmp_path):
    tracks = tracks_of({1: {0: counts(0, 4), 1: counts(1, 5)}, 4: {3: counts(2, 9)}})
    write_stage_tracks(tracks, tmp_path / "stage2_tracks.json")
    assert same(read_stage_tracks(tmp_path / "stage2_tracks.json", INFO, TIMES), tracks)


def test_the_file_is_what_the_pipeline_writes(tmp_path):
    write_stage_tracks(tracks_of({3: {2: counts(0, 4)}}), tmp_path / "tracks.json")
    mask = {"size": [HEIGHT, WIDTH], "counts": counts(0, 4).decode()}
    assert json.loads((tmp_path / "tracks.json").read_text()) == {
        "video": "clip.mp4",
        "height": HEIGHT,
        "width": WIDTH,
        "fps": 10.0,
        "total_frames": FRAMES,
        "objects": [
            {"object_id": 2, "first_frame": 2, "masks": [None, None, mask, None, None, None]}
        ],
    }


def test_frames_that_were_not_processed_show_the_one_before(tmp_path):
    write_stage_tracks(tracks_of({1: {1: counts(0, 4)}}, indices=[0, 2, 4]), tmp_path / "t.json")
    found = read_stage_tracks(tmp_path / "t.json", INFO, TIMES)
    assert found.track(1).positions.tolist() == [2, 3]


def test_no_objects(tmp_path):
    write_stage_tracks(tracks_of({}), tmp_path / "tracks.json")
    assert len(read_stage_tracks(tmp_path / "tracks.json", INFO, TIMES)) == 0


def test_masks_beyond_the_end_and_objects_without_any_are_left_out(tmp_path):
    mask = {"size": [HEIGHT, WIDTH], "counts": counts(0, 4).decode()}
    objects = [
        {"object_id": 5, "first_frame": 0, "masks": [mask] + [None] * 6 + [mask]},
        {"object_id": 0, "first_frame": 0, "masks": [None] * 8},
    ]
    path = tmp_path / "tracks.json"
    path.write_text(
        json.dumps({"video": "x", "height": HEIGHT, "width": WIDTH, "objects": objects})
    )
    found = read_stage_tracks(path, INFO, TIMES)
    assert [track.id for track in found.objects] == [6]
    assert found.warnings == ("2 mask frames beyond the video's last were left out",)


def test_automatic_masks_survive_the_round_trip(tmp_path):
    masks = {0: (counts(0, 4), counts(6, 9)), 3: ()}
    found = AutomaticMasks((WIDTH, HEIGHT), 10.0, FRAMES, 3, masks)
    write_stage1(found, tmp_path / "stage1_masks.json", video="clip.mp4")
    assert read_stage1(tmp_path / "stage1_masks.json") == found
    written = json.loads((tmp_path / "stage1_masks.json").read_text())
    assert written["sampled_frame_indices"] == [0, 3]
    assert written["total_frames"] == FRAMES
    nothing = encode_mask(np.zeros((HEIGHT, WIDTH), bool)).decode()
    assert written["frames"][1] == [{"size": [HEIGHT, WIDTH], "counts": nothing}]


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        ("stage1", "{}", "height"),
        ("stage1", "[1", "stage 1"),
        ("tracks", '{"objects": [{"object_id": -1, "masks": []}]}', "object_id"),
        ("tracks", '{"objects": [{"object_id": 1, "masks": [7]}]}', "object 1, frame 0"),
        ("tracks", '{"frames": []}', "objects"),
    ],
)
def test_other_files_are_refused_with_the_place(tmp_path, read, text, expected):
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(GraphFormatError, match=expected) as caught:
        read_stage1(path) if read == "stage1" else read_stage_tracks(path, INFO, TIMES)
    assert "file.json" in str(caught.value)


def test_frames_and_their_indices_must_agree_and_ids_be_unique(tmp_path):
    path = tmp_path / "file.json"
    head = {"height": 8, "width": 12, "fps": 10.0, "total_frames": 6, "frame_sample_rate": 1}
    path.write_text(json.dumps({**head, "sampled_frame_indices": [0, 1], "frames": [[]]}))
    with pytest.raises(GraphFormatError, match="1 of them, 2 indices"):
        read_stage1(path)
    twice = [{"object_id": 1, "masks": []}] * 2
    path.write_text(json.dumps({"objects": twice}))
    with pytest.raises(GraphFormatError, match="comes twice"):
        read_stage_tracks(path, INFO, TIMES)
