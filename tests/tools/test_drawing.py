"""Previews and evidence sheets: what is drawn, where, and when it is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.drawing import (
    Clip,
    color,
    contact_sheet,
    draw_objects,
    object_names,
    relation_clips,
    write_evidence,
    write_preview,
)
from reelgraph.tools.video import Video

MakeVideo = Callable[..., Path]


def square(size_wh: tuple[int, int], left: int, top: int, side: int) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def one_object(video: Video, mask: np.ndarray, rows: list[int]) -> Tracks:
    """Tracks on every second frame with one object on the processed frames ``rows``."""
    every = np.arange(0, len(video.times_s), 2)
    box = cv2.boundingRect(mask.astype(np.uint8))
    corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    boxes = np.array([corners] * len(rows), float)
    track = Track(1, np.array(rows), boxes, (encode_mask(mask),) * len(rows))
    return Tracks(video.info, every, video.times_s[every], video.end_s, (track,))


def graph_of(info: VideoInfo) -> TemporalGraph:
    objects = tuple(
        SceneObject(id=i, label=label, presence=(Interval(0, info.duration_s),))
        for i, label in ((1, "person"), (2, "person"), (3, "ball"))
    )
    hands = Relation(
        id="r1",
        subject=1,
        predicate="hands",
        object=3,
        recipient=2,
        intervals=(Interval(0.1, 0.2),),
        kind="event",
        source="geometry",
    )
    return TemporalGraph(SceneGraph(video=info, objects=objects, relations=(hands,)))


@pytest.fixture
def clip(make_video: MakeVideo, tmp_path: Path) -> Video:
    times = [0, 40, 80, 120, 360, 400, 440, 900, 940, 1000]
    return Video.open(make_video(tmp_path / "clip.mp4", times_ms=times, size=(320, 240)))


def test_neighbouring_ids_differ_in_colour() -> None:
    colors = np.array([color(i) for i in range(1, 9)], float)
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    assert distance[~np.eye(8, dtype=bool)].min() > 60


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_mask_is_tinted_and_the_rest_left_alone(level: int) -> None:
    image = np.full((240, 320, 3), level, np.uint8)
    mask = square((320, 240), 100, 100, 60)
    drawn = draw_objects(image, {1: mask}, {1: "ball #1"})
    tint = drawn[130, 130].astype(float) - level
    assert np.argmax(np.abs(tint)) == np.argmax(np.abs(np.array(color(1), float) - level))
    assert (drawn[200:, :90] == level).all()
    assert (image == level).all(), "the picture that was given stays as it is"


@pytest.mark.parametrize("level", [0, 128, 255])
def test_names_can_be_read_on_any_background(level: int) -> None:
    image = np.full((240, 320, 3), level, np.uint8)
    for number in range(1, 12):
        mask = square((320, 240), 100, 100, 40)
        drawn = draw_objects(image, {number: mask}, {number: f"person #{number}"})
        plate = cv2.cvtColor(drawn[82:100, 100:180], cv2.COLOR_RGB2GRAY)
        assert int(plate.max()) - int(plate.min()) > 80


def test_names_of_crowded_objects_do_not_cover_each_other() -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    masks = {i: square((640, 360), 300, 170 + i, 30) for i in range(1, 7)}
    seen = [_plate_pixels(draw_objects(image, masks, {}), number) for number in masks]
    alone = [_plate_pixels(draw_objects(image, {i: masks[i]}, {}), i) for i in masks]
    assert min(a / b for a, b in zip(seen, alone, strict=True)) > 0.8


def _plate_pixels(image: np.ndarray, number: int) -> int:
    return int((np.abs(image.astype(int) - color(number)).max(axis=2) < 3).sum())


def test_an_object_at_the_border_keeps_its_name_in_the_picture() -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    for left, top in ((0, 0), (150, 0), (0, 110), (150, 110)):
        masks = {1: square((160, 120), left, top, 10)}
        drawn = draw_objects(image, masks, {1: "ball #1"})
        assert _plate_pixels(drawn, 1) > 300


def test_names_come_from_the_graph_and_the_given_labels_win(clip: Video) -> None:
    tracks = one_object(clip, square((320, 240), 10, 10, 20), [0])
    assert object_names(tracks) == {1: "#1"}
    assert object_names(tracks, graph=graph_of(clip.info)) == {1: "person #1"}
    named = object_names(tracks, graph=graph_of(clip.info), labels={1: "nurse"})
    assert named == {1: "nurse #1"}


def test_a_guessed_label_is_marked(clip: Video) -> None:
    tracks = one_object(clip, square((320, 240), 10, 10, 20), [0])
    guess = SceneObject(id=1, label="dog", uncertain=True)
    graph = TemporalGraph(SceneGraph(video=clip.info, objects=(guess,)))
    assert object_names(tracks, graph=graph) == {1: "dog? #1"}


def test_a_preview_keeps_every_frame_at_its_own_time(clip: Video, tmp_path: Path) -> None:
    tracks = one_object(clip, square((320, 240), 100, 60, 80), [1, 2])
    path = tmp_path / "preview.mp4"
    write_preview(clip, tracks, path)
    preview = Video.open(path)
    np.testing.assert_allclose(preview.times_s, clip.times_s, atol=1e-4)
    assert preview.end_s == pytest.approx(clip.end_s, abs=1e-3)


def test_frames_in_between_show_the_processed_frame_before_them(
    clip: Video, tmp_path: Path
) -> None:
    # Processed are frames 0, 2, 4, ...; the object is visible on frames 2 and 4.
    tracks = one_object(clip, square((320, 240), 100, 60, 80), [1, 2])
    path = tmp_path / "preview.mp4"
    write_preview(clip, tracks, path)
    middle = [frame.image[150, 210] for frame in Video.open(path).frames()]
    tinted = [int(pixel.max()) - int(pixel.min()) > 30 for pixel in middle]
    assert tinted == [index in {2, 3, 4, 5} for index in range(10)]


@pytest.mark.parametrize("size", [(9, 7), (33, 51), (8, 8), (321, 181), (2000, 98)])
def test_previews_of_any_size_can_be_played(
    size: tuple[int, int], make_video: MakeVideo, tmp_path: Path
) -> None:
    source = make_video(
        tmp_path / "odd.mkv", size=size, codec="ffv1", pix_fmt="bgr0", times_ms=(0, 40, 80)
    )
    video = Video.open(source)
    tracks = one_object(video, square(size, 2, 2, 4), [0, 1])
    path = tmp_path / "preview.mp4"
    write_preview(video, tracks, path, graph=graph_of(video.info))
    preview = Video.open(path)
    width, height = preview.info.resolution_wh
    assert width % 2 == height % 2 == 0
    assert 480 <= max(width, height) <= 1400
    assert len(list(preview.frames())) == 3


def test_a_failed_preview_leaves_the_old_file(clip: Video, tmp_path: Path) -> None:
    path = tmp_path / "preview.mp4"
    path.write_bytes(b"the old one")
    tracks = one_object(clip, square((320, 240), 100, 60, 80), [1, 2])

    class Stops:
        def stage(self, name: str, total: float | None = None) -> object:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_preview(clip, tracks, path, progress=Stops())  # type: ignore[arg-type]
    assert path.read_bytes() == b"the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "preview.mp4"]


def test_a_relation_is_one_clip_an_interval(clip: Video) -> None:
    graph = graph_of(clip.info)
    (found,) = relation_clips(graph, graph.relations())
    assert found.object_ids == (1, 3, 2)
    assert found.caption == "person #1 hands ball #3 to person #2  [r1]"


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_a_sheet_grows_with_its_clips_up_to_a_limit(clip: Video, count: int) -> None:
    tracks = one_object(clip, square((320, 240), 100, 60, 80), [1, 2])
    clips = [Clip(Interval(0.1, 0.5), (1,), f"caption {n}") for n in range(count)]
    sheet = contact_sheet(clip, tracks, clips)
    assert sheet.shape[1] > 1000
    assert min(count, 12) * 300 <= sheet.shape[0] <= min(count, 12) * 420 + 60


def test_evidence_is_a_png_with_the_masks_drawn(clip: Video, tmp_path: Path) -> None:
    tracks = one_object(clip, square((320, 240), 60, 120, 100), [0, 1, 2, 3, 4])
    path = tmp_path / "proof.png"
    clips = [Clip(Interval(0.0, 1.0), (1, 99), "person #1 moves  [r1]")]
    write_evidence(clip, tracks, clips, path, names={1: "person #1"})
    image = cv2.imread(str(path))[:, :, ::-1]
    assert _plate_pixels(image, 1) > 300
