"""The embedded tracker on the demo's clip: people who are walked past stay who they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from reelgraph._types import Mask
from reelgraph.demo.scene import render
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.motion.tracker import MotionTracker
from reelgraph.tools.video import Video

MIN_PX = 40


def overlap(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def followed_share(truth: Tracks, found: Tracks, number: int) -> float:
    """Return in what share of its frames a painted object has its most common id."""
    ids: Counter[int] = Counter()
    frames = 0
    for position, time_s in enumerate(found.times_s):
        mask = truth.mask(number, truth.position_at(float(time_s) + 1e-3))
        if mask is None or mask.sum() < MIN_PX:
            continue
        frames += 1
        masks = {item.id: found.mask(item.id, position) for item in found.objects}
        scores = {key: overlap(mask, other) for key, other in masks.items() if other is not None}
        best = max(scores, key=lambda key: scores[key], default=None)
        if best is not None and scores[best] > 0.3:
            ids[best] += 1
    return max(ids.values(), default=0) / frames


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 4])
def test_everyone_keeps_an_id_through_the_crossing(tmp_path: Path, seed: int) -> None:
    truth = render(tmp_path / "clip.mp4", seed=seed).tracks
    found = MotionTracker().track(Video.open(tmp_path / "clip.mp4"))
    shares = {item.id: followed_share(truth, found, item.id) for item in truth.objects}
    assert min(shares.values()) > 0.85, shares
    assert np.mean(list(shares.values())) > 0.93
    assert len(found) <= len(truth) + 1, "pieces of the background are no objects"
