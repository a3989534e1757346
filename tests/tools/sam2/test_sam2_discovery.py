"""The 90 % rule, both rules for new objects, checks by time, and the budget: worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.tools.sam2.budget import Budget, priority
from reelgraph.tools.sam2.config import DiscoveryConfig
from reelgraph.tools.sam2.discovery import (
    CheckClock,
    new_objects,
    non_overlapping,
    untracked_share,
)
from reelgraph.tools.sam2.engine import Proposal

EDGE = 100


def rectangle(left, top, right, bottom) -> np.ndarray:
    """A mask on a frame of 100 x 100, so that areas are shares of the frame in 1/10,000."""
    mask = np.zeros((EDGE, EDGE), bool)
    mask[top:bottom, left:right] = True
    return mask


def columns(first, end) -> np.ndarray:
    return rectangle(first, 0, end, EDGE)


def straddling(inside: int) -> np.ndarray:
    """A mask of 100 px, ``inside`` of them in the left half of the frame."""
    full, rest = divmod(inside, 10)
    mask = rectangle(50 - full, 0, 60 - full, 10)
    if rest:  # one more column on the left, and one less on the right, in ``rest`` rows
        mask[:rest, 49 - full] = True
        mask[:rest, 59 - full] = False
    assert int(mask.sum()) == 100
    assert int((mask & columns(0, 50)).sum()) == inside
    return mask


# ------------------------------------------------------------------------ the 90 % rule


@pytest.mark.parametrize(
    ("covered", "kept"),
    [(0, True), (50, True), (89, True), (90, False), (91, False), (100, False)],
)
def test_a_mask_stays_while_less_than_90_percent_of_it_is_covered(covered, kept):
    small, large = straddling(covered), columns(0, 50)
    rows = non_overlapping([small, large], max_overlap=0.9)
    assert rows == ([1, 0] if kept else [1])


def test_masks_are_taken_by_area_and_covered_by_all_larger_ones_together():
    left, right = columns(0, 40), columns(40, 70)
    across = rectangle(30, 0, 50, 50)  # half in each: 100 % covered by both together
    assert non_overlapping([across, right, left], max_overlap=0.9) == [2, 1]
    assert non_overlapping([across, right], max_overlap=0.9) == [1, 0]


def test_empty_masks_go_and_equal_ones_stay_once():
    same = columns(0, 10)
    assert non_overlapping([columns(0, 0), same, same.copy()], max_overlap=0.9) == [1]
    assert non_overlapping([], max_overlap=0.9) == []


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 4), max_size=8))
def test_what_is_kept_hardly_overlaps_and_what_goes_is_covered(sides):
    masks = [rectangle(a, b, a + c, b + d) for a, b, c, d in sides]
    kept = non_overlapping(masks, max_overlap=0.9)
    union = np.zeros((EDGE, EDGE), bool)
    for row in kept:
        assert (masks[row] & union).sum() < 0.9 * masks[row].sum()
        union |= masks[row]
    for row in set(range(len(masks))) - set(kept):
        assert (masks[row] & union).sum() >= 0.9 * masks[row].sum()


# ---------------------------------------------------------------------------- new objects

UNION = DiscoveryConfig()
EACH = DiscoveryConfig(rule="each")


def test_defaults_are_those_of_the_pipeline():
    assert (UNION.rule, UNION.every_s, UNION.min_untracked) == ("union", 1.0, 0.05)
    assert (UNION.min_new, UNION.match, UNION.max_overlap) == (0.1, 0.9, 0.9)


def test_the_rules_differ_where_many_small_masks_are_new():
    # Half of the frame is untracked: 5,000 px. Six masks of 400 px are 8 % of that each
    # and 48 % together: the paper's rule takes all of them, the code's rule none.
    tracked = [columns(0, 50)]
    small = [rectangle(50 + 5 * k, 0, 55 + 5 * k, 80) for k in range(6)]
    assert new_objects(small, tracked, UNION) == [0, 1, 2, 3, 4, 5]
    assert new_objects(small, tracked, EACH) == []
    large = rectangle(80, 0, 86, 100)  # 600 px: 12 %
    assert new_objects([*small, large], tracked, EACH) == [6]


@pytest.mark.parametrize(("height", "new"), [(99, []), (100, [0])])
def test_together_they_must_cover_a_tenth_of_what_is_untracked(height, new):
    # 5,000 px are untracked: 495 px are 9.9 %, 500 px are 10 %.
    mask = rectangle(50, 0, 55, height)
    assert new_objects([mask], [columns(0, 50)], UNION) == new
    assert new_objects([mask], [columns(0, 50)], EACH) == new


def test_masks_that_are_matched_count_for_the_union_but_are_not_new():
    tracked = [columns(0, 50)]
    again = columns(0, 54)  # 50/54 = 92.6 % in the track, and 8 % of the untracked area
    small = rectangle(60, 0, 63, 50)  # 150 px: 3 %
    assert new_objects([again, small], tracked, UNION) == [1]
    assert new_objects([small], tracked, UNION) == []


@pytest.mark.parametrize(("inside", "new"), [(89, [0]), (90, []), (100, [])])
def test_matching_is_by_the_share_of_the_detection_inside_one_track(inside, new):
    options = DiscoveryConfig(min_new=0.0)
    assert new_objects([straddling(inside)], [columns(0, 50)], options) == new


@pytest.mark.parametrize(("first", "new"), [(95, [0]), (96, [])])
def test_nothing_is_new_where_less_than_5_percent_is_untracked(first, new):
    assert new_objects([columns(94, 100)], [columns(0, first)], DiscoveryConfig(min_new=0.0)) == new
    assert untracked_share([columns(0, first)], (EDGE, EDGE)) == pytest.approx((100 - first) / 100)


def test_a_mask_over_two_tracks_is_not_an_object_again_unless_asked_for():
    tracked = [columns(0, 30), columns(30, 60)]
    both, fresh = columns(10, 50), columns(60, 80)
    assert new_objects([both, fresh], tracked, UNION) == [1]
    papers = DiscoveryConfig(max_covered=1.0)
    assert new_objects([both, fresh], tracked, papers) == [0, 1]


def test_without_tracks_or_without_masks():
    assert new_objects([], [columns(0, 10)], UNION) == []
    assert new_objects([columns(0, 10)], [], UNION) == [0]
    assert new_objects([columns(0, 10)], [columns(0, 100)], UNION) == []


# --------------------------------------------------------------------------------- clock


@pytest.mark.parametrize(
    ("times", "every", "checks"),
    [
        ([0.0, 0.5, 1.0, 1.5, 2.0], 1.0, [0, 2, 4]),
        ([0.0, 0.4, 0.8, 1.2, 1.6, 2.0], 1.0, [0, 3, 5]),
        ([0.0, 0.1, 5.7, 5.8, 6.0], 1.0, [0, 2, 4]),
        ([0.0, 0.1, 0.2, 0.1 + 0.2], 0.3, [0, 3]),
        ([0.0], 1.0, [0]),
    ],
)
def test_checks_are_by_time(times, every, checks):
    assert CheckClock(every).checks(np.array(times)).tolist() == checks


@given(st.lists(st.floats(0.01, 3), min_size=1, max_size=40), st.floats(0.2, 2))
def test_no_frame_is_a_whole_interval_after_the_last_check_without_being_one(steps, every):
    times = np.cumsum([0.0, *steps])
    checks = set(CheckClock(every).checks(times).tolist())
    assert 0 in checks
    last = 0.0
    for row, time in enumerate(times):
        last = time if row in checks else last
        assert time - last < every + 1e-6


# -------------------------------------------------------------------------------- budget


def proposal(area: int, quality: float) -> Proposal:
    mask = np.zeros(10_000, bool)
    mask[:area] = True
    return Proposal(mask.reshape(EDGE, EDGE), (0, 0, 1, 1), quality, 1.0)


def test_the_largest_and_surest_come_first_in_the_order_of_appearance():
    given_masks = [proposal(100, 0.9), proposal(300, 0.8), proposal(250, 1.0), proposal(90, 1.0)]
    assert [priority(item) for item in given_masks] == pytest.approx([90, 240, 250, 90])
    assert Budget(3).admit(given_masks, followed=0, time_s=0.0) == [0, 1, 2]
    assert Budget(3).admit(given_masks, followed=1, time_s=0.0) == [1, 2]
    assert Budget(3).admit(given_masks, followed=3, time_s=0.0) == []
    assert Budget(3).admit(given_masks, followed=9, time_s=0.0) == []


def test_a_budget_reports_what_it_left_out():
    budget = Budget(2)
    budget.admit([proposal(100, 1.0)], followed=1, time_s=0.0)
    assert budget.warnings() == []
    budget.admit([proposal(100, 1.0)] * 3, followed=2, time_s=4.0)
    budget.admit([proposal(2500, 1.0)], followed=2, time_s=5.0)
    again = Budget(2, budget.left_out)  # a run that goes on
    (warning,) = again.warnings()
    assert "limit of 2" in warning
    assert "checks: 2; most at once: 3, at 4.0 s" in warning
    assert "25.0% of the frame" in warning
