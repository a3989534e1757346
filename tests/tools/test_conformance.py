"""What every tracker and every generator must do, run over all that are registered."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from reelgraph.graph.schema import CAMERA, SceneGraph
from reelgraph.graph.store import GraphStore
from reelgraph.graph.track_formats import tracks_from_bytes, tracks_to_bytes
from reelgraph.graph.tracks import Track, Tracks, encode_mask, rle_box
from reelgraph.tools.base import (
    GENERATORS,
    TRACKERS,
    Availability,
    GraphGenerator,
    ToolConfig,
    Tracker,
)
from reelgraph.tools.merge import checked_layer
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker
from reelgraph.tools.scripted import ScriptedTracker
from reelgraph.tools.traser.generator import TraserGenerator
from reelgraph.tools.traser.scripted import ScriptedEngine
from reelgraph.tools.video import Video

KINDS = {"tracker": (TRACKERS, Tracker), "generator": (GENERATORS, GraphGenerator)}
TRASER_SAYS = (
    '{"objects": [{"object 1": "square (uncertain)"}], "relationships": '
    '[[1, "near", 2, [[0, 0], [2, 99]]], [1, "near", 1, [[0, 1]]], [3, "seen by", -1, [[1, 1]]]]}'
)
WIDTH, HEIGHT = 160, 120
TIMES_MS = (*range(0, 1000, 40), 1010, *range(1060, 1800, 40))  # not quite regular


def square(index: int, width: int, height: int) -> np.ndarray:
    """A red square that walks over a textured background."""
    rng = np.random.default_rng(5)
    image = rng.integers(90, 130, (height, width, 3)).astype(np.uint8)
    left = 4 + 2 * index
    image[40:76, left : left + 30] = (200, 30, 30)
    return image


def noise(index: int, width: int, height: int) -> np.ndarray:
    """A still grey wall seen by a noisy sensor: nothing is there."""
    rng = np.random.default_rng(index)
    return (120 + rng.normal(0, 6, (height, width, 3))).clip(0, 255).astype(np.uint8)


class Recorder:
    """Progress that counts stages and the work reported in them."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.advanced = 0.0
        self.open = 0

    @contextmanager
    def stage(self, name, total=None):
        self.stages.append(name)
        self.open += 1
        yield self
        self.open -= 1

    def advance(self, steps: float = 1.0) -> None:
        assert steps >= 0
        self.advanced += steps

    def note(self, text: str) -> None:
        assert text


@pytest.fixture(scope="module")
def videos(tmp_path_factory, make_video) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("conformance")
    size = (WIDTH, HEIGHT)
    return {
        "moving": make_video(folder / "moving.mp4", times_ms=TIMES_MS, size=size, painter=square),
        "static": make_video(
            folder / "static.mp4", times_ms=range(0, 1000, 40), size=size, painter=noise
        ),
        "one frame": make_video(folder / "one.mp4", times_ms=[0], size=size, painter=square),
        "tiny": make_video(folder / "tiny.mp4", times_ms=range(0, 400, 40), size=(8, 8)),
        "wide": make_video(folder / "wide.mp4", times_ms=range(0, 400, 40), size=(4096, 64)),
        "turned": make_video(folder / "turned.mp4", size=size, painter=square, rotation=90),
        "odd": make_video(folder / "odd.mkv", size=(63, 47), pix_fmt="yuv444p"),
    }


def usable(tool):
    """Return a tool that can run here; skip what needs a device or weights."""
    state = tool.available()
    if not state.ok:
        pytest.skip(f"{tool.name} cannot run here: {state.reason}")
    return tool


class ScriptedSam2(Sam2Tracker):
    """The SAM 2 tracker without its model: whatever is red is an object."""

    def __init__(self, config=None):
        super().__init__(config, engine=ColourEngine([(200, 30, 30)], tolerance=45))


@pytest.fixture(params=[*TRACKERS.names(), "sam2, scripted"])
def tracker(request) -> Tracker:
    if request.param == "sam2, scripted":
        return ScriptedSam2()
    return usable(TRACKERS.get(request.param)())


class ScriptedTraser(TraserGenerator):
    """The TRASER generator without its model: it says the same of every prompt."""

    def __init__(self, config=None):
        super().__init__(config, engine=ScriptedEngine(lambda clip, part: TRASER_SAYS))


@pytest.fixture(params=[*GENERATORS.names(), "traser, scripted"])
def generator(request) -> GraphGenerator:
    if request.param == "traser, scripted":
        pytest.importorskip("torchvision", reason="needs the extra reelgraph[traser]")
        return ScriptedTraser()
    return usable(GENERATORS.get(request.param)())


# -------------------------------------------------------------------- what tools have


@pytest.mark.parametrize(
    ("kind", "name"),
    [("tracker", name) for name in TRACKERS.names()]
    + [("generator", name) for name in GENERATORS.names()],
)
def test_a_tool_describes_itself(kind, name):
    registry, protocol = KINDS[kind]
    tool = registry.get(name)()
    assert isinstance(tool, protocol)
    assert tool.name == name
    assert isinstance(tool.version, str)
    assert tool.version
    state = tool.available()
    assert isinstance(state, Availability)
    assert state.ok or (state.reason and state.fix)
    assert isinstance(tool.config, ToolConfig)
    again = type(tool.config).model_validate(tool.config.model_dump(mode="json"))
    assert again == tool.config, "the options survive JSON"
    with pytest.raises(ValidationError):
        type(tool.config).model_validate({"no such option": 1})


def changed_option(config: ToolConfig) -> ToolConfig | None:
    """Return the options with one number changed, or None if there is none to change."""
    for name, value in config:
        if isinstance(value, int | float) and not isinstance(value, bool):
            for other in (value * 1.01, value * 0.99, value + 1):
                try:
                    return type(config).model_validate(config.model_dump() | {name: other})
                except ValidationError:
                    continue
    return None


def keys_of(root: Path, video: Path, **tools) -> set[str]:
    job = Pipeline(store=GraphStore(root), **tools)._job(video, None)
    return {job.tracks_key.digest, job.graph_key.digest}


def test_a_trackers_options_are_in_the_key(tracker, videos, tmp_path):
    other = changed_option(tracker.config)
    if other is None:
        pytest.skip(f"{tracker.name} has no number among its options")
    one = keys_of(tmp_path, videos["tiny"], tracker=tracker, generators=[])
    two = keys_of(tmp_path, videos["tiny"], tracker=type(tracker)(other), generators=[])
    assert not one & two


def test_a_generators_options_are_in_the_key(generator, videos, tmp_path):
    other = changed_option(generator.config)
    if other is None:
        pytest.skip(f"{generator.name} has no number among its options")
    still = ScriptedTracker(empty_tracks)
    one = keys_of(tmp_path, videos["tiny"], tracker=still, generators=[generator])
    two = keys_of(tmp_path, videos["tiny"], tracker=still, generators=[type(generator)(other)])
    assert len(one & two) == 1, "the tracks are shared, the graph is not"


# ----------------------------------------------------------------------------- trackers


def check_tracks(tracks: Tracks, video: Video) -> None:
    width, height = video.info.resolution_wh
    assert tracks.video == video.info
    assert len(tracks.frame_indices) >= 1
    assert np.all(np.diff(tracks.frame_indices) > 0)
    assert tracks.times_s.tolist() == video.times_s[tracks.frame_indices].tolist()
    assert tracks.times_s[-1] < tracks.end_s <= video.end_s + 1e-9
    for track in tracks.objects:
        assert track.score is None or 0 <= track.score <= 1
        for row, position in enumerate(track.positions):
            mask = tracks.mask(track.id, int(position))
            assert mask.shape == (height, width)
            assert mask.any(), "an object that is not visible has no mask"
            left, top, right, bottom = track.boxes_xyxy[row]
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            assert rle_box(track.rles[row], resolution_wh=(width, height)) == (
                pytest.approx((left, top, right, bottom), abs=1.0)
            )


@pytest.mark.parametrize("name", ["moving", "static", "one frame", "tiny"])
def test_a_tracker_gives_tracks_that_are_true_to_the_video(tracker, videos, name):
    video = Video.open(videos[name])
    progress = Recorder()
    tracks = tracker.track(video, progress=progress)
    check_tracks(tracks, video)
    assert progress.stages
    assert progress.advanced > 0 or len(tracks.times_s) == 1
    assert progress.open == 0, "every stage that was opened is closed"
    data = tracks_to_bytes(tracks)
    assert tracks_to_bytes(tracks_from_bytes(data)) == data
    again = type(tracker)().track(Video.open(videos[name]))
    assert tracks_to_bytes(again) == data, "the same video gives the same bytes"


def test_a_tracker_sees_what_moves_and_nothing_else(tracker, videos):
    moving = tracker.track(Video.open(videos["moving"]))
    assert len(moving) >= 1
    longest = max(moving.objects, key=lambda track: len(track.positions))
    middle = len(longest.positions) // 2
    position = int(longest.positions[middle])
    left = 4 + 2 * int(moving.frame_indices[position])
    truth = np.zeros((HEIGHT, WIDTH), dtype=bool)
    truth[40:76, left : left + 30] = True
    mask = moving.mask(longest.id, position)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.5
    assert len(tracker.track(Video.open(videos["static"]))) == 0


# --------------------------------------------------------------------------- generators


def empty_tracks(video: Video) -> Tracks:
    count = len(video.times_s)
    return Tracks(video.info, np.arange(count), video.times_s, video.end_s)


def square_tracks(video: Video) -> Tracks:
    """The moving square, a still thing, and one that is there for one frame only."""
    count = len(video.times_s)
    places = {
        1: [(4 + 2 * k, 40, 34 + 2 * k, 76) for k in range(count)],
        2: [(100, 80, 130, 110)] * count,
        5: [(0, 0, 1, 1)],
    }
    objects = []
    for object_id, boxes in places.items():
        rles = []
        for left, top, right, bottom in boxes:
            mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
            mask[top:bottom, left:right] = True
            rles.append(encode_mask(mask))
        positions = np.arange(len(boxes))
        objects.append(Track(object_id, positions, np.array(boxes, float), tuple(rles)))
    return Tracks(video.info, np.arange(count), video.times_s, video.end_s, tuple(objects))


@pytest.mark.parametrize(
    ("name", "find"),
    [
        ("moving", square_tracks),
        ("moving", empty_tracks),
        ("static", empty_tracks),
        ("one frame", square_tracks),
        ("tiny", empty_tracks),
    ],
)
def test_a_generator_gives_a_layer_that_is_true_to_the_tracks(generator, videos, name, find):
    video = Video.open(videos[name])
    tracks = find(video)
    progress = Recorder()
    layer = generator.generate(video, tracks, progress=progress)
    assert layer.source == generator.name
    assert progress.open == 0
    assert not tracks.objects or progress.stages
    assert checked_layer(layer, tracks, source=generator.name) == layer, "nothing to correct"
    ids = {track.id for track in tracks.objects}
    for relation in layer.relations:
        assert {relation.subject, relation.object} <= ids | {CAMERA}
        assert relation.subject != relation.object
    again = type(generator)().generate(Video.open(videos[name]), tracks)
    assert again.model_dump_json() == layer.model_dump_json()
    assert type(layer).model_validate_json(layer.model_dump_json()) == layer


# ------------------------------------------------------------------------- all together


@pytest.mark.parametrize("name", ["moving", "static", "one frame", "tiny", "wide", "turned", "odd"])
def test_every_video_becomes_a_document(videos, tmp_path, name):
    pipeline = Pipeline(store=GraphStore(tmp_path))
    document = pipeline.graph(videos[name]).document
    assert SceneGraph.model_validate_json(document.model_dump_json()) == document
    assert document.provenance[0].stage == "tracks"
    assert Pipeline(store=GraphStore(tmp_path)).graph(videos[name]).document == document
