"""Masks and tracks survive the trip to a file and back; damaged files are refused."""

from __future__ import annotations

import hashlib
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.track_formats import (
    read_traser_masks,
    tracks_from_bytes,
    tracks_to_bytes,
    traser_rows,
    write_traser_masks,
)
from reelgraph.graph.tracks import Track, Tracks, decode_rle, encode_mask, rle_area, rle_box

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


def info(frame_count: int = 6, resolution_wh: tuple[int, int] = (12, 8)) -> VideoInfo:
    return VideoInfo(
        path="clip.mp4",
        sha256="0" * 64,
        duration_s=frame_count * 0.1,
        fps=10.0,
        frame_count=frame_count,
        resolution_wh=resolution_wh,
    )


@st.composite
def all_tracks(draw: st.DrawFn) -> Tracks:
    frame_count = draw(st.integers(1, 8))
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    frames = sorted(draw(st.sets(st.integers(0, frame_count - 1), min_size=1)))
    objects = []
    for object_id in sorted(draw(st.sets(st.integers(1, 5), max_size=3))):
        positions = sorted(draw(st.sets(st.integers(0, len(frames) - 1), min_size=1)))
        shapes = [draw(hnp.arrays(np.bool_, (height, width))) for _ in positions]
        for shape in shapes:
            shape[0, 0] = True
        rles = tuple(encode_mask(shape) for shape in shapes)
        boxes = [rle_box(rle, resolution_wh=(width, height)) for rle in rles]
        score = draw(st.none() | st.floats(0, 1))
        objects.append(Track(object_id, np.array(positions), np.array(boxes, float), rles, score))
    video = info(frame_count, (width, height))
    indices = np.array(frames)
    notes = tuple(draw(st.lists(st.text(max_size=9), max_size=2)))
    return Tracks(video, indices, indices * 0.1, frame_count * 0.1, tuple(objects), notes)


def fingerprint(tracks: Tracks) -> tuple:
    columns = [
        (t.id, t.positions.tolist(), t.boxes_xyxy.tolist(), t.rles, t.score) for t in tracks.objects
    ]
    times = (tracks.frame_indices.tolist(), tracks.times_s.tolist(), tracks.end_s)
    return tracks.video, times, columns, tracks.warnings


# ------------------------------------------------------------------------- run lengths


@given(masks)
def test_masks_round_trip(mask):
    counts = encode_mask(mask)
    height, width = mask.shape
    assert np.array_equal(decode_rle(counts, resolution_wh=(width, height)), mask)
    assert rle_area(counts) == mask.sum()
    rows, columns = np.nonzero(mask)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None
    assert rle_box(counts, resolution_wh=(width, height)) == box


def counts_of(runs: list[int], height: int, width: int) -> bytes:
    return coco.frPyObjects({"size": [height, width], "counts": runs}, height, width)["counts"]


@pytest.mark.parametrize(
    ("runs", "foreground"), [([], 0), ([5], 0), ([0], 0), ([3, 2], 2), ([90], 0), ([0, 96], 96)]
)
def test_short_run_lengths_are_background_to_the_end(runs, foreground):
    counts = counts_of(runs, 8, 12)
    mask = decode_rle(counts, resolution_wh=(12, 8))
    assert mask.shape == (8, 12)
    assert mask.sum() == foreground == rle_area(counts)


@given(st.lists(st.integers(0, 40), max_size=12), masks)
def test_any_run_lengths_decode_like_their_definition(runs, mask):
    height, width = mask.shape
    counts = counts_of(runs, height, width)
    if sum(runs) > height * width:
        with pytest.raises(GraphFormatError, match="pixels"):
            decode_rle(counts, resolution_wh=(width, height))
        return
    flat = [bit for k, run in enumerate(runs) for bit in [k % 2 == 1] * run]
    flat += [False] * (height * width - len(flat))
    assert decode_rle(counts, resolution_wh=(width, height)).T.ravel().tolist() == flat


@given(st.binary(max_size=30))
def test_arbitrary_bytes_decode_or_are_refused(counts):
    try:
        mask = decode_rle(counts, resolution_wh=(7, 5))
    except GraphFormatError:
        return
    assert mask.shape == (5, 7)
    assert mask.sum() == rle_area(counts)


def test_published_masks_decode_as_the_coco_library_decodes_them(data_dir):
    for name in ("sav_000001_auto", "sav_000001_manual"):
        document = json.loads((data_dir / "sav_example" / f"{name}.json").read_text())
        for item in (item for row in document["masklet"][::10] for item in row):
            (height, width), counts = item["size"], item["counts"].encode()
            expected = coco.decode({"size": [height, width], "counts": counts}).astype(bool)
            assert np.array_equal(decode_rle(counts, resolution_wh=(width, height)), expected)
            assert encode_mask(expected) == counts
            left, top, across, down = coco.toBbox({"size": [height, width], "counts": counts})
            box = rle_box(counts, resolution_wh=(width, height))
            assert box == ((left, top, left + across, top + down) if expected.any() else None)


# ------------------------------------------------------------------------ compact file


@given(all_tracks())
def test_compact_file_round_trips(tracks):
    data = tracks_to_bytes(tracks)
    again = tracks_from_bytes(data)
    assert fingerprint(again) == fingerprint(tracks)
    assert tracks_to_bytes(again) == data


def sample() -> Tracks:
    rle = encode_mask(np.eye(8, 12, dtype=bool))
    track = Track(2, np.array([0, 1]), np.array([[0, 0, 8, 8.0]] * 2), (rle, rle))
    return Tracks(info(), np.array([0, 3, 5]), np.array([0.0, 0.3, 0.5]), 0.6, (track,))


def test_every_cut_and_every_changed_byte_is_noticed():
    data = tracks_to_bytes(sample())
    damaged = [data[:length] for length in range(len(data))]
    damaged += [data[:k] + bytes([data[k] ^ 1]) + data[k + 1 :] for k in range(len(data))]
    for piece in damaged:
        with pytest.raises(GraphFormatError):
            tracks_from_bytes(piece)


def test_a_later_version_is_refused_by_number(monkeypatch):
    monkeypatch.setattr("reelgraph.graph.track_formats.TRACKS_FORMAT_VERSION", 99)
    data = tracks_to_bytes(sample())
    monkeypatch.undo()
    with pytest.raises(GraphFormatError, match="version 99"):
        tracks_from_bytes(data)


def test_lengths_that_lie_are_refused_even_with_a_good_checksum():
    data = tracks_to_bytes(sample())
    magic = data[: data.index(b"\n") + 1]
    body = zlib.compress(zlib.decompress(data[len(magic) + 32 :])[:-3])
    with pytest.raises(GraphFormatError, match="bytes expected"):
        tracks_from_bytes(magic + hashlib.sha256(body).digest() + body)


# --------------------------------------------------------------------- TRASER mask JSON


@given(tracks=all_tracks())
def test_traser_json_shows_the_same_masks_at_every_frame(tracks, tmp_path_factory):
    path = tmp_path_factory.mktemp("traser") / "masks.json"
    write_traser_masks(tracks, path)
    rows = json.loads(path.read_text())
    assert len(rows) == tracks.video.frame_count
    times = np.arange(tracks.video.frame_count) * 0.1
    again = read_traser_masks(path, tracks.video, times)
    assert [t.id for t in again.objects] == [t.id for t in tracks.objects]
    for frame, time in enumerate(times):
        for track in tracks.objects:
            shown = tracks.mask(track.id, tracks.position_at(float(time) + 1e-9))
            read = again.mask(track.id, frame)
            assert (shown is None) == (read is None)
            assert shown is None or np.array_equal(shown, read)


def test_columns_are_ids_and_unprocessed_frames_repeat_the_frame_shown():
    rows = list(traser_rows(sample()))
    assert [[item is not None for item in row] for row in rows] == [
        [False, True],
        [False, True],
        [False, True],
        [False, True],
        [False, True],
        [False, False],
    ]
    assert rows[0][1]["size"] == [8, 12]


def read(tmp_path, rows, video=None):
    path = tmp_path / "masks.json"
    path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
    video = video or info(3)
    return read_traser_masks(path, video, np.arange(video.frame_count) * 0.1)


def rle(runs: list[int], height: int = 8, width: int = 12) -> dict:
    return {"size": [height, width], "counts": counts_of(runs, height, width).decode()}


def test_missing_masks_are_absence(tmp_path):
    long = {"size": [8, 12], "counts": counts_of([1000], 100, 10).decode()}
    tracks = read(tmp_path, [[None, rle([2, 3, 91])], None, [rle([96]), rle([5]), {}, long]])
    assert [(t.id, t.positions.tolist()) for t in tracks.objects] == [(2, [0])]
    assert tracks.warnings == ()


def test_a_list_shorter_or_longer_than_the_video(tmp_path):
    row = [rle([0, 96])]
    assert read(tmp_path, [row]).track(1).positions.tolist() == [0]
    long = read(tmp_path, [row] * 4)
    assert long.track(1).positions.tolist() == [0, 1, 2]
    assert "1 mask frames beyond" in long.warnings[0]


def test_uncompressed_and_scaled_masks(tmp_path):
    half = {"size": [4, 6], "counts": [0, 12, 12]}
    mask = read(tmp_path, [[half]]).mask(1, 0)
    assert mask is not None
    assert mask[:, :6].all()
    assert not mask[:, 6:].any()


@pytest.mark.parametrize(
    "rows",
    [
        "not json",
        "{}",
        "[1]",
        [["x"]],
        [[{"counts": "1"}]],
        [[{"size": [8], "counts": "1"}]],
        [[{"size": [8, 12], "counts": 3}]],
        [[{"size": [8, 12], "counts": [-1, 3]}]],
        [[{"size": [8, 12], "counts": [90, 30]}]],
        [[{"size": [8, 12], "counts": "\x00é"}]],
        [[{"size": [True, 12], "counts": "1"}]],
    ],
)
def test_malformed_masks_are_refused(tmp_path, rows):
    with pytest.raises(GraphFormatError):
        read(tmp_path, rows)
