"""Geometry says what happens in made scenes with known answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.graph.schema import CAMERA, GraphLayer, Relation, VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.geometry import GeometryConfig, GeometryGenerator
from reelgraph.tools.geometry.states import hysteresis, persistent, runs, to_intervals

FPS, SECONDS, WH = 10, 10, (320, 180)
TIMES = np.arange(FPS * SECONDS) / FPS

Box = tuple[float, float, float, float]
Course = Callable[[float], Box | None]


def scene(*courses: Course, mask: Callable[[int, list[np.ndarray]], None] | None = None) -> Tracks:
    """Make tracks from courses (time -> box or None); later objects lie in front."""
    width, height = WH
    rows: list[list[tuple[int, np.ndarray]]] = [[] for _ in courses]
    for position, time_s in enumerate(TIMES):
        layers = [_paint(course(float(time_s))) for course in courses]
        for index, layer in enumerate(layers):
            visible = layer & ~np.any(
                [np.zeros((height, width), bool), *layers[index + 1 :]], axis=0
            )
            if visible.sum() > 12:
                rows[index].append((position, visible))
    objects = tuple(_track(index + 1, found) for index, found in enumerate(rows) if found)
    return Tracks(
        video=VideoInfo(
            path="made", sha256="0" * 64, duration_s=SECONDS, fps=FPS,
            frame_count=len(TIMES), resolution_wh=WH,
        ),
        frame_indices=np.arange(len(TIMES)),
        times_s=TIMES,
        end_s=float(SECONDS),
        objects=objects,
    )  # fmt: skip


def _paint(box: Box | None) -> np.ndarray:
    layer = np.zeros((WH[1], WH[0]), bool)
    if box is not None:
        x1, y1, x2, y2 = (round(v) for v in box)
        layer[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = True
    return layer


def _track(object_id: int, found: list[tuple[int, np.ndarray]]) -> Track:
    boxes = []
    for _, mask in found:
        ys, xs = np.nonzero(mask)
        boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    return Track(
        id=object_id,
        positions=np.array([position for position, _ in found]),
        boxes_xyxy=np.array(boxes, float),
        rles=tuple(encode_mask(mask) for _, mask in found),
    )


def still(box: Box) -> Course:
    return lambda _t: box


def between(t: float, start: float, end: float, a: float, b: float) -> float:
    return float(np.interp(t, [start, end], [a, b]))


def describe(tracks: Tracks) -> GraphLayer:
    return GeometryGenerator().generate(None, tracks)  # type: ignore[arg-type]


def find(layer: GraphLayer, predicate: str, **parts: int | None) -> list[Relation]:
    return [
        r
        for r in layer.relations
        if r.predicate == predicate and all(getattr(r, k) == v for k, v in parts.items())
    ]


BOTTLE, HAND = 1, 2


def taken_away(t: float) -> Box | None:
    """A bottle that stands until 4 s, is lifted out of the picture, and is back from 7 to 8 s."""
    if t < 4:
        lift = 0.0
    elif t < 5:
        lift = between(t, 4, 5, 0, 190)
    elif t < 7:
        return None
    else:
        lift = between(t, 7, 8, 190, 0)
    return (150, 80 - lift, 180, 160 - lift)


def taking_hand(t: float) -> Box | None:
    """A hand that comes in from above at 3 s, grips at 3.6 s, and puts back until 8.4 s."""
    if t < 3 or 5 <= t < 7 or t > 9:
        return None
    bottom = 80.0
    if t < 3.6:
        bottom = between(t, 3, 3.6, 5, 80)
    elif 4 <= t < 5:
        bottom = 80 - between(t, 4, 5, 0, 190)
    elif 7 <= t < 8:
        bottom = 80 - between(t, 7, 8, 190, 0)
    elif t >= 8.4:
        bottom = between(t, 8.4, 9, 80, 5)
    return (155, -200, 175, bottom)


@pytest.fixture(scope="module")
def bottle_layer() -> GraphLayer:
    return describe(scene(taken_away, taking_hand))


@pytest.mark.parametrize(
    ("predicate", "subject", "target", "times_s"),
    [
        ("holds", HAND, BOTTLE, [(3.5, 4.5), (7.5, 8.5)]),
        ("picks up", HAND, BOTTLE, [(3.6, 4.2)]),
        ("puts down", HAND, BOTTLE, [(7.9, 8.5)]),
        ("leaves", BOTTLE, CAMERA, [(4.4, 4.9)]),
        ("enters", BOTTLE, CAMERA, [(7.1, 7.6)]),
        ("enters", HAND, CAMERA, [(3.0, 3.5), (7.6, 8.1)]),
    ],
)
def test_a_bottle_is_taken_away_and_put_back(
    bottle_layer: GraphLayer, predicate: str, subject: int, target: int, times_s: list[tuple]
) -> None:
    found = find(bottle_layer, predicate, subject=subject, object=target)
    intervals = sorted(interval for relation in found for interval in relation.intervals)
    assert len(intervals) == len(times_s)
    for got, expected in zip(intervals, times_s, strict=True):
        assert (got.start, got.end) == pytest.approx(expected, abs=0.35)


def test_the_bottle_never_holds_the_hand(bottle_layer: GraphLayer) -> None:
    assert find(bottle_layer, "holds", subject=BOTTLE) == []


GIVER, TAKER, BALL, PASSER = 1, 2, 3, 4


def giver(t: float) -> Box:
    x = between(t, 0, 3, 20, 90)
    return (x, 60, x + 40, 170)


def taker(t: float) -> Box:
    x = between(t, 5.5, 9, 190, 250)
    return (x, 60, x + 40, 170)


def ball(t: float) -> Box:
    if t < 4:
        x = between(t, 0, 3, 20, 90) + 40
    elif t < 5:
        x = between(t, 4, 5, 130, 178)
    else:
        x = between(t, 5.5, 9, 190, 250) - 12
    return (x, 100, x + 12, 112)


def giver_with_arm(t: float) -> Box:
    x1, y1, x2, y2 = giver(t)
    reach = between(t, 4, 5, 0, 48) if t < 5.3 else max(0.0, between(t, 5.3, 5.8, 48, 0))
    return (x1, y1, x2 + reach, y2)


def passer(t: float) -> Box | None:
    if not 6.5 <= t < 9.5:
        return None
    x = between(t, 6.5, 9.5, -60, 340)
    return (x, 40, x + 50, 178)


@pytest.fixture(scope="module")
def handover() -> GraphLayer:
    return describe(scene(giver_with_arm, taker, ball, passer))


def test_a_ball_is_handed_on(handover: GraphLayer) -> None:
    (event,) = find(handover, "hands")
    assert (event.subject, event.object, event.recipient) == (GIVER, BALL, TAKER)
    assert event.kind == "event"
    assert event.start == pytest.approx(5.0, abs=0.5)
    assert event.end == pytest.approx(5.3, abs=0.5)


def test_holders_change_and_a_passer_by_holds_nothing(handover: GraphLayer) -> None:
    (first,) = find(handover, "holds", subject=GIVER, object=BALL)
    (second,) = find(handover, "holds", subject=TAKER, object=BALL)
    assert (first.start, first.end) == pytest.approx((0.0, 5.3), abs=0.4)
    assert (second.start, second.end) == pytest.approx((4.9, 10.0), abs=0.4)
    assert find(handover, "holds", subject=PASSER) == []
    assert find(handover, "holds", object=GIVER) == find(handover, "holds", object=TAKER) == []


def test_the_passer_by_enters_and_leaves_but_occluded_objects_do_not(handover: GraphLayer) -> None:
    assert {r.subject for r in find(handover, "enters")} == {PASSER}
    assert {r.subject for r in find(handover, "leaves")} == {PASSER}
    assert find(handover, "appears") == find(handover, "disappears") == []


def test_a_juggled_ball_is_not_held() -> None:
    def juggled(t: float) -> Box:
        y = 150 - abs(np.sin(t * 4)) * 90
        return (150, y, 168, y + 18)

    layer = describe(scene(still((130, 20, 190, 175)), juggled))
    assert find(layer, "holds") == []
    assert find(layer, "in front of", subject=2, object=1)


def test_sides_are_stated_in_one_direction_only() -> None:
    layer = describe(scene(still((10, 50, 40, 120)), still((150, 60, 190, 130))))
    (relation,) = find(layer, "left of")
    assert (relation.subject, relation.object) == (1, 2)
    assert [tuple(i) for i in relation.intervals] == [(0.0, 10.0)]
    assert find(layer, "above") == []


def test_above_is_told_from_left() -> None:
    layer = describe(scene(still((100, 10, 160, 40)), still((110, 100, 170, 140))))
    (relation,) = find(layer, "above")
    assert (relation.subject, relation.object) == (1, 2)
    assert find(layer, "left of") == []


def test_jitter_of_the_boxes_makes_no_relation_flicker() -> None:
    rng = np.random.default_rng(0)
    shake = {round(float(t), 3): rng.integers(-2, 3, 4) for t in TIMES}

    def jittery(t: float) -> Box:
        dx1, dy1, dx2, dy2 = shake[round(t, 3)]
        return (73 + dx1, 60 + dy1, 110 + dx2, 120 + dy2)

    layer = describe(scene(still((20, 60, 50, 120)), jittery))
    assert max(len(relation.intervals) for relation in layer.relations) <= 2
    assert find(layer, "moves") == []


def test_approaching_and_following() -> None:
    def walker(lead: float) -> Course:
        return lambda t: (lead + 18 * t, 60, lead + 30 + 18 * t, 140)

    layer = describe(scene(walker(0), walker(60)))
    (following,) = find(layer, "follows")
    assert (following.subject, following.object) == (1, 2)
    towards = describe(scene(walker(0), still((280, 60, 310, 140))))
    (approach,) = find(towards, "approaches")
    assert (approach.subject, approach.object) == (1, 2)


def test_no_objects_give_an_empty_layer() -> None:
    assert describe(scene()).relations == ()


@given(
    st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=100),
    st.floats(0.3, 0.6),
    st.floats(0.01, 0.3),
)
def test_hysteresis_keeps_every_strong_frame_and_only_weak_neighbours(
    measure: list[float], on: float, off: float
) -> None:
    values = np.array(measure)
    kept = hysteresis(values, on=on, off=off)
    strong = np.nan_to_num(values, nan=-1) > on
    assert kept[strong].all()
    assert not kept[np.nan_to_num(values, nan=-1) <= off].any()
    assert all(strong[a : b + 1].any() for a, b in runs(kept))


@given(st.lists(st.booleans(), min_size=100, max_size=100), st.floats(0, 2), st.floats(0, 1))
def test_persistent_runs_are_long_apart_and_cover_no_other_flags(
    flags: list[bool], min_s: float, gap_s: float
) -> None:
    tracks = scene(still((10, 10, 30, 30)))
    found = to_intervals(persistent(np.array(flags), tracks, min_s=min_s, max_gap_s=gap_s), tracks)
    assert all(interval.duration >= min_s - 1e-6 for interval in found)
    assert all(b.start - a.end > gap_s for a, b in itertools.pairwise(found))
    if min_s == 0:
        covered = [any(i.start <= t < i.end for i in found) for t in TIMES]
        assert all(inside for inside, flag in zip(covered, flags, strict=True) if flag)


def test_a_longer_minimum_duration_leaves_out_short_states() -> None:
    tracks = scene(taken_away, taking_hand)
    strict = GeometryGenerator(GeometryConfig(min_duration_s=3.0)).generate(None, tracks)  # type: ignore[arg-type]
    assert find(strict, "holds") == []
