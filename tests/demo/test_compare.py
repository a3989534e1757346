"""The demo's answers are right only if their evidence agrees with what was painted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.agent.answer import Answer, Evidence
from reelgraph.demo.compare import check_answers, match_objects
from reelgraph.demo.script import BALL, GIVER, PASSER, RECEIVER
from reelgraph.demo.truth import Shot, Truth, tell
from reelgraph.graph.schema import Interval, VideoInfo
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks

WH, FRAMES = (80, 40), 300


def block(x: int, y: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((WH[1], WH[0]), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def shot(frame: int) -> Shot:
    passer = max(0, frame - 190)
    seen = {
        GIVER: block(5, 5, 10, 30),
        RECEIVER: block(60, 5, 10, 30),
        BALL: block(16 if frame < 138 else 55, 15, 4, 4),
    }
    if 0 < passer < 70:
        seen[PASSER] = block(passer, 30, 10, 10) & ~seen[GIVER] & ~seen[RECEIVER]
    holders = (GIVER,) * (frame < 144) + (RECEIVER,) * (frame >= 133)
    return Shot(visible=seen, whole=seen, holders=holders)


@pytest.fixture(scope="module")
def truth() -> Truth:
    info = VideoInfo(
        path="made", sha256="0" * 64, duration_s=12, fps=25, frame_count=FRAMES, resolution_wh=WH
    )
    return tell(info, [shot(frame) for frame in range(FRAMES)], version="1", seed=0)


def answer(truth: Truth, predicate: str, subject: int, interval: Interval | None = None) -> Answer:
    """Return an answer that cites one relation of the truth, at its own or at another time."""
    (cited,) = (
        r for r in truth.graph.relations if (r.predicate, r.subject) == (predicate, subject)
    )
    shown = Evidence(
        relation=cited.id,
        objects=(cited.subject, cited.object),
        interval=interval or cited.intervals[0],
        sentence="",
    )
    return Answer(question="?", text="", confidence=1, evidence=(shown,))


def rights(truth: Truth, who: Answer, when: Answer, last: Answer) -> list[bool]:
    answers = (("Who?", who), ("When?", when), ("Who at the end?", last))
    checks = check_answers(answers, TemporalGraph(truth.graph), truth.tracks, truth)
    return [check.right for check in checks]


def test_true_answers_are_right(truth: Truth) -> None:
    hands, holds = answer(truth, "hands", GIVER), answer(truth, "holds", RECEIVER)
    assert rights(truth, hands, hands, holds) == [True, True, True]


def test_wrong_people_late_times_and_missing_evidence_are_wrong(truth: Truth) -> None:
    wrong_holder = answer(truth, "holds", GIVER)
    late = answer(truth, "hands", GIVER, Interval(6.5, 7.0))
    nothing = Answer(question="?", text="The person in red hands the ball.", confidence=1)
    assert rights(truth, nothing, late, wrong_holder) == [False, False, False]


def test_who_held_it_earlier_is_not_who_has_it_at_the_end(truth: Truth) -> None:
    hands = answer(truth, "hands", GIVER)
    dropped = answer(truth, "holds", RECEIVER, Interval(5.4, 9.0))
    assert rights(truth, hands, hands, dropped) == [True, True, False]


def test_an_answer_that_abstains_is_wrong(truth: Truth) -> None:
    unsure = answer(truth, "hands", GIVER).model_copy(update={"abstained": True})
    assert rights(truth, unsure, unsure, unsure) == [False, False, False]


def test_objects_are_matched_by_mask_whatever_their_ids(truth: Truth) -> None:
    moved = tuple(
        sorted((replace(t, id=10 - t.id) for t in truth.tracks.objects), key=lambda t: t.id)
    )
    renamed = replace(truth.tracks, objects=moved)
    assert match_objects(renamed, truth.tracks) == {9: GIVER, 8: RECEIVER, 7: BALL, 6: PASSER}


def test_what_was_not_painted_matches_nothing(truth: Truth) -> None:
    elsewhere = tell(
        truth.graph.video,
        [Shot(visible=dict.fromkeys(s.visible, block(30, 0, 9, 4)), whole=s.whole, holders=(1,))
         for s in map(shot, range(FRAMES))],
        version="1", seed=0,
    )  # fmt: skip
    assert match_objects(elsewhere.tracks, truth.tracks) == {}


def test_nothing_tracked_matches_nothing(truth: Truth) -> None:
    empty: Tracks = replace(truth.tracks, objects=())
    assert match_objects(empty, truth.tracks) == {}
    assert match_objects(truth.tracks, empty) == {}
