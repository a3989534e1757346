"""Pieces of a long video and passes over many objects: one set of ids, whole spans."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.graph.schema import GraphLayer, Interval, LayerObject, Relation
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.traser.long_video import Said, join_layers
from reelgraph.tools.video import Video


def relation(*times, subject=1, predicate="near", other=2) -> Relation:
    return Relation(
        id="r1",
        subject=subject,
        predicate=predicate,
        object=other,
        intervals=tuple(Interval(*time) for time in times),
        kind="spatial",
        source="traser",
    )


def said(relations=(), *, start=0.0, end=100.0, ids=(1, 2), **layer) -> Said:
    return Said(GraphLayer(source="traser", relations=relations, **layer), ids, start, end)


def named(label, *attributes, uncertain=False) -> LayerObject:
    return LayerObject(label=label, attributes=attributes, uncertain=uncertain)


# -------------------------------------------------------------------------------- joining


def test_spans_that_meet_at_a_seam_are_one():
    first = said([relation((5, 9), (80, 100)), relation((2, 3), predicate="on")])
    second = said([relation((90, 130), (150, 151))], start=90, end=190)
    near, on = join_layers([first, second], source="traser").relations
    assert near.intervals == (Interval(5, 9), Interval(80, 130), Interval(150, 151))
    assert (near.id, on.id) == ("r1", "r2")
    assert on.intervals == (Interval(2, 3),)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_joining_covers_what_any_answer_covered_and_no_more(answers):
    def parts(spans):
        relations = [relation((start, start + length)) for start, length in spans]
        return [said([r]) for r in relations]

    everything = [part for spans in answers for part in parts(spans)]
    (joined,) = join_layers(everything, source="traser").relations
    for second in range(60):
        wanted = any(s <= second < s + n for spans in answers for s, n in spans)
        assert any(t.start <= second < t.end for t in joined.intervals) == wanted


def test_most_answers_name_an_object_and_a_guess_counts_last():
    answers = [
        said(objects={1: named("cat", "soft"), 2: named("pan", uncertain=True)}),
        said(objects={1: named("dog", "soft", "brown"), 2: named("pan", uncertain=True)}),
        said(objects={1: named("dog"), 2: LayerObject()}),
        said(objects={1: named("wolf", uncertain=True), 2: named("pot")}),
    ]
    layer = join_layers(answers, source="traser")
    assert layer.objects[1] == named("dog", "soft", "brown")
    assert layer.objects[2] == named("pot")
    assert "object 1 is 'dog'; other answers called it 'cat', 'wolf'" in layer.warnings


def test_one_answer_is_left_as_it_is():
    only = said([relation((1, 2))], objects={1: named("cat")}, warnings=("cut short",))
    assert join_layers([only], source="traser") == only.layer


def test_warnings_of_several_answers_have_their_place():
    layer = join_layers(
        [said(warnings=("cut short",)), said(start=90, end=190, warnings=("cut short",))],
        source="traser",
    )
    assert layer.warnings == (
        "0-100 s, 2 objects: cut short",
        "90-190 s, 2 objects: cut short",
    )


def test_nothing_said_is_nothing():
    assert join_layers([], source="traser") == GraphLayer(source="traser")


# ----------------------------------------------------------------------------- as a whole


@pytest.fixture(scope="module")
def generator_of():
    pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
    pytest.importorskip("torchvision", reason="needs the extra reelgraph[traser]")
    from reelgraph.tools.traser.generator import TraserConfig, TraserGenerator
    from reelgraph.tools.traser.scripted import ScriptedEngine

    def make(play, **options):
        return TraserGenerator(TraserConfig(**options), engine=ScriptedEngine(play))

    return make


@pytest.fixture(scope="module")
def long_video(tmp_path_factory, make_video) -> Video:
    """Five minutes at one frame a second."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return Video.open(make_video(path, times_ms=range(0, 300_000, 1000), size=(64, 48)))


def tracks_of(video: Video, visible: dict[int, range]) -> Tracks:
    """Objects that fill a column each, the first the widest, while they are visible."""
    width, height = video.info.resolution_wh
    objects = []
    for place, (key, frames) in enumerate(sorted(visible.items())):
        wide = 30 if place == 0 else 2
        mask = np.zeros((height, width), bool)
        left = min(place * 2, width - wide)
        mask[:, left : left + wide] = True
        positions = np.array(list(frames))
        boxes = np.array([[left, 0, left + wide, height]] * len(frames), float)
        objects.append(Track(key, positions, boxes, (encode_mask(mask),) * len(frames)))
    count = len(video.times_s)
    return Tracks(video.info, np.arange(count), video.times_s, video.end_s, tuple(objects))


def test_five_minutes_are_read_in_pieces_with_one_set_of_ids(generator_of, long_video):
    """Object 4 is there from 150 to 260 s, object 9 always; they are near all that time."""
    asked = []

    def play(clip, part):
        ids = part.arrangement.object_ids
        bounds = clip.frames.bounds_s
        asked.append((ids, bounds[0], bounds[-1]))
        if 4 not in ids:
            return '{"objects": [{"object 1": "dog"}], "relationships": []}'
        inside = [n for n in range(len(bounds) - 1) if 150 <= bounds[n] < 260]
        relations = [[1, "near", 2, [[inside[0], inside[-1]]]]]
        objects = [{"object 1": "cat"}, {"object 2": "dog"}]
        return json.dumps({"objects": objects, "relationships": relations})

    tracks = tracks_of(long_video, {9: range(300), 4: range(150, 260)})
    layer = generator_of(play, chunk_s=128.0).generate(long_video, tracks)
    assert [ids for ids, *_ in asked] == [(9,), (4, 9), (4, 9)]
    assert all(end - start <= 128 for _, start, end in asked)
    assert all(before[2] > after[1] for before, after in itertools.pairwise(asked))
    assert (asked[0][1], asked[-1][2]) == (0, long_video.end_s)
    assert {key: o.label for key, o in layer.objects.items()} == {4: "cat", 9: "dog"}
    (near,) = layer.relations
    assert (near.subject, near.object) == (4, 9)
    (span,) = near.intervals
    assert abs(span.start - 150) <= 1
    assert abs(span.end - 260) <= 1


def test_the_official_way_reads_the_whole_at_a_lower_rate(generator_of, long_video):
    text = '{"objects": [], "relationships": [[1, "near", 2, [[64, 127]]]]}'
    tracks = tracks_of(long_video, {1: range(300), 2: range(300)})
    layer = generator_of(lambda *_: text, chunk_s=None).generate(long_video, tracks)
    (near,) = layer.relations
    (span,) = near.intervals
    assert span.start == pytest.approx(150, abs=0.5), "half of the frames, half of the time"
    assert span.end == long_video.end_s


def test_fifty_objects_are_described_in_passes_and_what_was_not_looked_for_is_said(
    generator_of, tmp_path, make_video
):
    video = Video.open(make_video(tmp_path / "many.mp4", size=(128, 48)))
    tracks = tracks_of(video, {key: range(10) for key in range(1, 51)})

    def play(clip, part):
        count = len(part.arrangement.object_ids)
        objects = [
            {f"object {k}": f"thing {i}"} for k, i in enumerate(part.selection.object_ids, 1)
        ]
        return json.dumps({"objects": objects, "relationships": [[1, "near", count, [[0, 0]]]]})

    layer = generator_of(play, max_objects=20, pass_anchors=2).generate(video, tracks)
    assert {key: o.label for key, o in layer.objects.items()} == {
        key: f"thing {key}" for key in range(1, 51)
    }
    assert len(layer.relations) == 3
    assert "pairs of objects are in no pass together" in " ".join(layer.warnings)
    first_only = generator_of(play, max_objects=20, max_passes=1).generate(video, tracks)
    assert len(first_only.objects) == 20
    assert "30 objects beyond max_objects=20 are not described" in " ".join(first_only.warnings)


def test_a_prompt_longer_than_training_saw_is_told_of(generator_of, long_video, monkeypatch):
    monkeypatch.setattr("reelgraph.tools.traser.generator._LONGEST_TRAINED", 100)
    text = '{"objects": [{"object 1": "dog"}], "relationships": []}'
    tracks = tracks_of(long_video, {1: range(300)})
    layer = generator_of(lambda *_: text).generate(long_video, tracks)
    assert "the model was trained on up to 100: lower max_objects" in layer.warnings[0]
