"""What the format tests share: arbitrary documents."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import strategies as st

from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Kind,
    LayerRecord,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)

NAMES = st.text(min_size=1, max_size=12)
SCORES = st.none() | st.floats(0, 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
INTERVALS = st.lists(st.floats(0, 50), min_size=2, max_size=6, unique=True).map(
    lambda ends: [Interval(*pair) for pair in zip(*[iter(sorted(ends))] * 2, strict=False)]
)
VIDEOS = st.builds(
    VideoInfo,
    path=NAMES,
    sha256=st.text("0123456789abcdef"),
    duration_s=st.floats(0, 1e5),
    fps=st.sampled_from([24.0, 25.0, 29.97, 30000 / 1001, 60.0]),
    frame_count=st.integers(3000, 4000),
    resolution_wh=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    rotation=st.sampled_from([0, 90, 180, 270]),
)
PROVENANCE = st.builds(
    LayerRecord,
    stage=st.just("layer"),
    tool=NAMES,
    version=NAMES,
    config=st.dictionaries(st.text(), JSON, max_size=2),
    model_id=st.none() | NAMES,
    warnings=st.lists(st.text(), max_size=2),
)


@st.composite
def _documents(draw: st.DrawFn) -> SceneGraph:
    ids = draw(st.lists(st.integers(1, 300), unique=True, max_size=5))
    objects = [
        SceneObject(
            id=i,
            label=draw(NAMES),
            attributes=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
            uncertain=draw(st.booleans()),
            score=draw(SCORES),
            presence=tuple(draw(INTERVALS)) if draw(st.booleans()) else (),
        )
        for i in ids
    ]
    ends = st.sampled_from([*ids, CAMERA])
    relations = [
        Relation(
            id=name,
            subject=draw(ends),
            predicate=draw(NAMES),
            object=draw(ends),
            intervals=tuple(draw(INTERVALS)),
            kind=draw(st.sampled_from(get_args(Kind))),
            score=draw(SCORES),
            source=draw(NAMES),
            recipient=draw(st.none() | ends),
        )
        for name in draw(st.lists(NAMES, unique=True, max_size=6))
    ]
    return SceneGraph(
        video=draw(VIDEOS),
        objects=tuple(objects),
        relations=tuple(relations),
        provenance=tuple(draw(st.lists(PROVENANCE, max_size=2))),
    )


@pytest.fixture(scope="session")
def documents() -> st.SearchStrategy[SceneGraph]:
    """Documents with every field in use, any text in names, and the camera."""
    return _documents()
