"""The tracker with a scripted engine on made videos: every mask and every id is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import VideoWarning
from reelgraph.graph.track_formats import tracks_to_bytes
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.base import Tracker
from reelgraph.tools.sam2.config import CleanupConfig, Sam2Config
from reelgraph.tools.sam2.engine import Engine
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker
from reelgraph.tools.video import Video

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
AS_IT_IS = CleanupConfig(enabled=False)


def still(left, top, right, bottom):
    return lambda index: (left, top, right, bottom)


def during(first, end, box):
    """A box that is there on frames ``first`` to before ``end`` only."""
    return lambda index: box if first <= index < end else None


def track(scene, engine=None, tmp_path=None, **options) -> Tracks:
    tracker = Sam2Tracker(
        Sam2Config(**options), engine=engine or ColourEngine(scene.palette), work_root=tmp_path
    )
    return tracker.track(scene.open())


def assert_exact(tracks: Tracks, scene, layers: dict[int, int]) -> None:
    """Each object (id: layer) has the layer's mask on every frame, and nothing else."""
    assert [item.id for item in tracks.objects] == sorted(layers)
    for number, layer in layers.items():
        for position, index in enumerate(tracks.frame_indices):
            truth = scene.mask(layer, int(index))
            mask = tracks.mask(number, position)
            if mask is None:
                assert not truth.any(), f"#{number} is missing on frame {index}"
            else:
                assert np.array_equal(mask, truth), f"#{number} is wrong on frame {index}"


def test_the_doubles_are_what_they_stand_for():
    assert isinstance(ColourEngine([]), Engine)
    assert isinstance(Sam2Tracker(engine=ColourEngine([])), Tracker)


def test_objects_keep_their_ids_and_masks(make_scene):
    walks = (RED, lambda index: (2 + index, 10, 32 + index, 40))
    scene = make_scene([walks, (GREEN, still(70, 20, 96, 60))])
    tracks = track(scene)
    assert_exact(tracks, scene, {1: 1, 2: 0})  # the larger mask of a check comes first
    assert [item.score for item in tracks.objects] == [1.0, 1.0]
    assert tracks.warnings == ()


@pytest.mark.parametrize("first", [1, 5, 11, 19, 20, 29])
def test_what_enters_is_found_within_one_check_and_followed_from_its_first_frame(make_scene, first):
    scene = make_scene([(RED, still(0, 0, 40, 40)), (BLUE, during(first, 40, (50, 8, 90, 50)))])
    tracks = track(scene)
    assert_exact(tracks, scene, {1: 0, 2: 1})
    assert tracks.track(2).positions[0] == first, "before the check that found it"


def test_what_leaves_ends(make_scene):
    leaves = (BLUE, lambda index: (50 + 2 * index, 8, 90 + 2 * index, 50))
    scene = make_scene([(RED, still(0, 0, 40, 40)), leaves])
    tracks = track(scene)
    assert_exact(tracks, scene, {1: 1, 2: 0})
    assert tracks.track(1).positions[-1] == 22


@pytest.mark.parametrize("gap", [(10, 20), (12, 35), (3, 58), (7, 100)])
@pytest.mark.parametrize("dormant_after_s", [None, 0.5, 4.0])
def test_an_object_that_returns_has_its_old_id(make_scene, gap, dormant_after_s):
    def hides(index):
        return None if gap[0] <= index < gap[1] else (50, 8, 90, 50)

    scene = make_scene([(RED, still(0, 0, 40, 40)), (BLUE, hides)], frames=110)
    tracks = track(scene, dormant_after_s=dormant_after_s)
    assert_exact(tracks, scene, {1: 1, 2: 0})


def test_crossing_objects_do_not_swap(make_scene):
    right = (RED, lambda index: (2 * index, 10, 30 + 2 * index, 40))
    left = (BLUE, lambda index: (66 - 2 * index, 16, 96 - 2 * index, 48))
    scene = make_scene([right, left], frames=36)
    tracks = track(scene, cleanup=AS_IT_IS)
    assert_exact(tracks, scene, {1: 1, 2: 0})


class SplittingEngine(ColourEngine):
    """Gives the halves of a thing as automatic masks, except on the first frame."""

    def __init__(self, palette):
        super().__init__(palette)
        self.asked = 0

    def propose(self, image):
        whole = super().propose(image)
        self.asked += 1
        if self.asked == 1:
            return whole
        halves = []
        for item in whole:
            middle = int((item.xyxy[0] + item.xyxy[2]) / 2)
            for part in (slice(None, middle), slice(middle, None)):
                mask = np.zeros_like(item.mask)
                mask[:, part] = item.mask[:, part]
                halves.append(type(item)(mask, item.xyxy, 0.9, 0.9))
        return halves


def test_parts_of_a_followed_object_are_not_new(make_scene):
    scene = make_scene([(RED, still(0, 0, 40, 40)), (BLUE, still(50, 8, 90, 50))])
    assert_exact(track(scene, SplittingEngine(scene.palette)), scene, {1: 1, 2: 0})


def test_a_mask_in_two_pieces_is_one_object(make_scene):
    bar = (GREEN, lambda index: (30 + index, 0, 40 + index, 64))
    scene = make_scene([(RED, still(10, 10, 80, 50)), bar])
    assert_exact(track(scene, cleanup=AS_IT_IS), scene, {1: 0, 2: 1})


@pytest.mark.parametrize(
    ("discovery", "found"), [({}, 1), ({"min_untracked": 0.0, "min_new": 0.0}, 2)]
)
def test_a_small_thing_in_a_covered_scene_needs_lower_thresholds(make_scene, discovery, found):
    wall = (GREEN, still(0, 0, 96, 64))
    ball = (BLUE, lambda index: (4 * index - 20, 20, 4 * index - 12, 28))
    scene = make_scene([wall, ball], frames=40)
    tracks = track(scene, discovery=discovery)
    assert len(tracks) == found
    if found == 2:
        assert_exact(tracks, scene, {1: 0, 2: 1})


# ---------------------------------------------------------------------------- budget


def grid(rows, columns, size):
    """Boxes of growing width side by side, one colour each."""
    layers = []
    for number in range(rows * columns):
        top, left = number // columns * size, number % columns * size
        colour = (40 + 50 * (number % 4), 40 + 50 * (number // 4 % 4), 20 + 60 * (number // 16))
        width = size - 3 + number % 3
        layers.append((colour, still(left, top, left + width, top + size - 1)))
    return layers


def test_more_objects_than_the_budget_are_reported_and_the_largest_followed(make_scene):
    scene = make_scene(grid(3, 4, 16), frames=25)
    tracks = track(scene, max_objects=4)
    widest = [row for row in range(12) if row % 3 == 2]
    assert_exact(tracks, scene, dict(zip((1, 2, 3, 4), widest, strict=True)))
    (warning,) = tracks.warnings
    assert "limit of 4" in warning
    assert "checks: 3; most at once: 8, at 0.0 s" in warning
    assert f"{15 * 14 / (96 * 64):.1%}" in warning


def test_without_a_budget_problem_nothing_is_said(make_scene):
    scene = make_scene(grid(3, 4, 16), frames=25)
    tracks = track(scene, max_objects=12)
    assert len(tracks) == 12
    assert tracks.warnings == ()


def test_a_dormant_object_gives_its_place_to_a_new_one_and_comes_back(make_scene):
    red = (RED, lambda index: None if 10 <= index < 90 else (0, 0, 40, 40))
    blue = (BLUE, during(30, 80, (50, 8, 90, 50)))
    scene = make_scene([red, blue], frames=100)
    tracks = track(scene, max_objects=1, dormant_after_s=1.0)
    assert_exact(tracks, scene, {1: 0, 2: 1})


def test_what_was_given_up_comes_back_under_a_new_id_with_a_warning(make_scene):
    red = (RED, lambda index: None if 10 <= index < 60 else (0, 0, 40, 40))
    scene = make_scene([red, (BLUE, still(50, 8, 90, 50))], frames=80)
    tracks = track(scene, max_dormant=0, dormant_after_s=1.0, lookback_s=2.0)
    assert [item.id for item in tracks.objects] == [1, 2, 3]
    assert tracks.track(2).positions.tolist() == list(range(10))
    assert tracks.track(3).positions.tolist() == list(range(60, 80))
    (warning,) = tracks.warnings
    assert "fixed: 1;" in warning
    assert "new id" in warning


# ------------------------------------------------------------------- work that is spared


class CountingEngine(ColourEngine):
    """Counts what it is asked to do."""

    def __init__(self, palette):
        super().__init__(palette)
        self.embedded = self.proposed = self.stepped = 0

    def embed(self, image):
        self.embedded += 1
        return super().embed(image)

    def propose(self, image):
        self.proposed += 1
        return super().propose(image)

    def step(self, embedding, memories, frame_index, *, remember=True):
        self.stepped += len(memories)
        return super().step(embedding, memories, frame_index, remember=remember)


def test_a_covered_frame_is_not_searched(make_scene):
    scene = make_scene([(RED, still(0, 0, 96, 62))], frames=40)
    engine = CountingEngine(scene.palette)
    track(scene, engine)
    assert engine.proposed == 1


def test_an_empty_video_costs_only_its_checks(make_scene):
    scene = make_scene([], frames=40)
    engine = CountingEngine(scene.palette)
    tracks = track(scene, engine)
    assert len(tracks) == 0
    assert len(tracks.times_s) == 40
    assert "No objects" in tracks.warnings[0]
    assert (engine.proposed, engine.embedded, engine.stepped) == (4, 4, 0)


def test_dormant_objects_cost_a_step_a_check(make_scene):
    scene = make_scene([(RED, during(0, 10, (0, 0, 40, 40)))], frames=200)
    eager, spare = CountingEngine(scene.palette), CountingEngine(scene.palette)
    everything = track(scene, eager, dormant_after_s=None)
    assert tracks_to_bytes(track(scene, spare, dormant_after_s=2.0)) == tracks_to_bytes(everything)
    assert eager.stepped == 199 + 200
    # Awake for 10 frames and 2 s in each pass, then looked for once a second.
    assert spare.stepped <= 2 * (10 + 20) + 2 * (20 - 3) + 2


def test_frames_are_sampled_by_time(make_scene):
    scene = make_scene([(RED, lambda index: (index, 0, 40 + index, 40))], frames=40)
    tracks = track(scene, fps=5.0)
    assert tracks.frame_indices.tolist() == list(range(0, 40, 2))
    assert_exact(tracks, scene, {1: 0})


# ------------------------------------------------------------------ part borders, kills


class ForgetfulEngine(ColourEngine):
    """Erodes a mask on every third frame that it remembers: a lost memory would show."""

    def segment(self, image, memory):
        mask = super().segment(image, memory)
        if memory.state["remembered"] % 3 == 2:
            mask = mask & np.roll(mask, 1, axis=1)
        return mask


class KilledError(Exception):
    pass


class KilledEngine(ForgetfulEngine):
    """Is killed after some frames."""

    def __init__(self, palette, frames):
        super().__init__(palette)
        self.left = frames

    def embed(self, image):
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return super().embed(image)


def occluded_scene(make_scene):
    """Red is hidden while the border at 3 s passes; blue enters, green is hidden long."""
    red = (RED, lambda index: None if 25 <= index < 36 else (0, 0, 30, 30))
    blue = (BLUE, lambda index: None if index < 33 else (40, 8, 70, 40))
    green = (GREEN, lambda index: None if 12 <= index < 70 else (70, 20, 96, 60))
    return make_scene([red, blue, green], frames=80)


def test_a_part_border_in_an_occlusion_changes_nothing(make_scene, tmp_path):
    scene = occluded_scene(make_scene)
    options = {"dormant_after_s": 2.0, "engine": ForgetfulEngine(scene.palette)}
    whole = tracks_to_bytes(track(scene, part_s=1000.0, **options))
    for part_s in (0.35, 1.0, 3.0):
        assert tracks_to_bytes(track(scene, part_s=part_s, **options)) == whole


def test_objects_keep_their_ids_over_part_borders(make_scene):
    scene = occluded_scene(make_scene)
    tracks = track(scene, part_s=3.0, dormant_after_s=2.0)
    assert_exact(tracks, scene, {1: 2, 2: 0, 3: 1})


@pytest.mark.parametrize("frames", [0, 5, 35, 61, 79, 84, 100, 130, 155, 161])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(make_scene, tmp_path, frames):
    scene = occluded_scene(make_scene)
    options = {"part_s": 2.0, "dormant_after_s": 2.0}
    whole = tracks_to_bytes(track(scene, ForgetfulEngine(scene.palette), tmp_path / "a", **options))
    root = tmp_path / "b"
    with pytest.raises(KilledError):
        track(scene, KilledEngine(scene.palette, frames), root, **options)
    rest = KilledEngine(scene.palette, 1000)
    again = tracks_to_bytes(track(scene, rest, root, **options))
    assert again == whole
    used = 1000 - rest.left
    assert used <= 190 - (frames // 30) * 20, "finished parts are not done again"
    assert not list(root.rglob("*")), "a finished run leaves nothing behind"


def test_a_run_may_be_killed_again_and_again(make_scene, tmp_path):
    scene = occluded_scene(make_scene)
    options = {"part_s": 1.0, "dormant_after_s": 2.0}
    whole = tracks_to_bytes(track(scene, ForgetfulEngine(scene.palette), tmp_path / "a", **options))
    for _ in range(30):
        try:
            tracks = track(scene, KilledEngine(scene.palette, 14), tmp_path / "b", **options)
            break
        except KilledError:
            continue
    assert tracks_to_bytes(tracks) == whole


def test_another_option_does_not_go_on_where_this_one_stopped(make_scene, tmp_path):
    scene = occluded_scene(make_scene)
    with pytest.raises(KilledError):
        track(scene, KilledEngine(scene.palette, 100), tmp_path, part_s=1.0)
    fresh = tracks_to_bytes(track(scene, ForgetfulEngine(scene.palette), fps=5.0, part_s=1.0))
    again = track(scene, ForgetfulEngine(scene.palette), tmp_path, fps=5.0, part_s=1.0)
    assert tracks_to_bytes(again) == fresh


@pytest.mark.parametrize("name", ["state.json", "part-0", "memories-*", "object-1"])
def test_a_damaged_work_folder_is_started_anew(make_scene, tmp_path, name):
    scene = occluded_scene(make_scene)
    whole = tracks_to_bytes(track(scene, ForgetfulEngine(scene.palette), part_s=1.0))
    with pytest.raises(KilledError):
        track(scene, KilledEngine(scene.palette, 140), tmp_path, part_s=1.0)
    (damaged,) = tmp_path.glob(f"*/{name}")
    damaged.write_bytes(damaged.read_bytes()[:-3] + b"xyz")
    again = track(scene, ForgetfulEngine(scene.palette), tmp_path, part_s=1.0)
    assert tracks_to_bytes(again) == whole


# --------------------------------------------------------------------------- clean-up


def test_clean_up_can_be_turned_off(make_scene):
    red = (RED, still(10, 10, 60, 50))
    dot = (BLUE, still(80, 30, 84, 34))
    scene = make_scene([red, dot], frames=12)
    options = {"discovery": {"min_new": 0.0, "min_untracked": 0.0}}
    kept = track(scene, cleanup=AS_IT_IS, **options)
    assert_exact(kept, scene, {1: 0, 2: 1})
    assert_exact(track(scene, **options), scene, {1: 0})  # 16 pixels are a speck


# --------------------------------------------------------------------- any scene at all

PLACES = {RED: (0, 0, 40, 32), GREEN: (50, 0, 90, 30), BLUE: (0, 34, 40, 62)}  # by area


@st.composite
def appearances(draw):
    """When a thing is there: stretches of more than a second, so that a check falls in each."""
    times, at = [], draw(st.integers(0, 15))
    while at < 60:
        length = draw(st.integers(11, 30))
        times.append((at, at + length))
        at += length + draw(st.integers(1, 30))
    return times


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    whens=st.tuples(*[appearances()] * 3),
    dormant_after_s=st.sampled_from([None, 0.0, 0.7, 2.0]),
    part_s=st.sampled_from([0.8, 2.5, 60.0]),
)
def test_whatever_comes_and_goes_has_one_id_and_its_true_masks(
    make_scene, whens, dormant_after_s, part_s
):
    def layer(colour, times):
        return colour, lambda k: PLACES[colour] if any(a <= k < b for a, b in times) else None

    scene = make_scene([layer(*pair) for pair in zip(PLACES, whens, strict=True)], frames=60)
    tracks = track(scene, dormant_after_s=dormant_after_s, part_s=part_s)
    first = {layer: min(a for a, _ in times) for layer, times in enumerate(whens)}
    # Found at the check after their first frame; of one check, the larger comes first.
    order = sorted(first, key=lambda row: (-(-first[row] // 10), row))
    assert_exact(tracks, scene, dict(enumerate(order, start=1)))


# ------------------------------------------------------------------------ damaged videos


def noisy_red(index, width, height):
    image = np.random.default_rng(index).integers(60, 130, (height, width, 3)).astype(np.uint8)
    image[10:60, index % 60 : index % 60 + 50] = RED
    return image


def test_frames_that_do_not_decode_are_left_out(tmp_path, make_video):
    path = make_video(
        tmp_path / "clip.mp4",
        times_ms=range(0, 6000, 40),
        size=(128, 96),
        painter=noisy_red,
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 60_000] = bytes(k % 251 for k in range(60_000))
    path.write_bytes(data)
    video = Video.open(path)
    engine = ColourEngine([RED], tolerance=45)
    with pytest.warns(VideoWarning, match="do not decode"):
        tracks = Sam2Tracker(Sam2Config(part_s=0.5), engine=engine).track(video)
    count = len(tracks.times_s)
    assert 75 < count < 150
    assert tracks.times_s.tolist() == video.times_s[tracks.frame_indices].tolist()
    assert [item.id for item in tracks.objects] == [1]
    assert len(tracks.track(1).positions) > 0.8 * count
    assert tracks.track(1).positions[-1] == count - 1, "also after the damage"
