"""Made graphs whose answers need two or more relations: a playground, an office, a relay."""

from __future__ import annotations

from collections.abc import Callable

from made_graphs import GRAPHS, make_graph

from reelgraph.graph.schema import CAMERA
from reelgraph.graph.temporal import TemporalGraph


def playground() -> TemporalGraph:
    """A boy throws a ball, a dog brings it away, a girl throws it back; VidOR's words."""
    whole = [(0.0, 40.0)]
    return make_graph(
        40.0,
        [
            (1, "boy", [], whole),
            (2, "girl", ["pink dress"], whole),
            (3, "dog", ["brown"], [(2.0, 40.0)]),
            (4, "ball", ["red"], whole),
            (5, "woman", [], [(0.0, 38.0)]),
        ],
        [
            (1, "hold", 4, [(2.0, 6.0)]),  # r1
            (1, "throw", 4, [(6.0, 6.5)]),  # r2
            (3, "chase", 4, [(6.5, 10.0)]),  # r3
            (3, "bite", 4, [(10.0, 14.0)]),  # r4
            (2, "watch", 3, [(8.0, 15.0)]),  # r5
            (5, "hold_hand_of", 2, [(0.0, 5.0), (20.0, 26.0)]),  # r6
            (2, "grab", 4, [(15.0, 15.6)]),  # r7
            (2, "hold", 4, [(15.6, 19.0)]),  # r8
            (2, "throw", 4, [(19.0, 19.5)]),  # r9
            (1, "catch", 4, [(20.5, 21.0)]),  # r10
            (1, "kick", 4, [(24.0, 24.5)]),  # r11
            (4, "hit", 5, [(25.0, 25.4)]),  # r12
            (5, "hug", 1, [(28.0, 32.0)]),  # r13
            (5, "caress", 3, [(33.0, 36.0)]),  # r14
            (3, "scares", 2, [(16.0, 17.0)]),  # r15
            (2, "away", 3, [(17.0, 19.0)]),  # r16
        ],
    )


def office() -> TemporalGraph:
    """A man works at a laptop, a woman brings him a cup and talks to him."""
    return make_graph(
        30.0,
        [
            (1, "man", ["blue shirt"], [(1.0, 27.0)]),
            (2, "woman", ["white shirt"], [(10.0, 15.0)]),
            (3, "laptop", [], [(0.0, 30.0)]),
            (4, "cup", ["red"], [(10.0, 30.0)]),
            (5, "phone", [], [(0.0, 27.0)]),
            (6, "chair", [], [(0.0, 30.0)]),
        ],
        [
            (1, "enters", CAMERA, [(1.0, 1.4)]),  # r1
            (1, "sits on", 6, [(3.0, 20.0)]),  # r2
            (1, "opens", 3, [(4.0, 5.0)]),  # r3
            (1, "uses", 3, [(5.0, 12.0), (15.0, 18.0)]),  # r4
            (2, "enters", CAMERA, [(10.0, 10.5)]),  # r5
            (2, "holds", 4, [(10.0, 11.9)]),  # r6
            (2, "puts down", 4, [(11.5, 12.0)]),  # r7
            (2, "speaks to", 1, [(11.0, 14.0)]),  # r8
            (1, "drinks from", 4, [(12.5, 14.0)]),  # r9
            (2, "leaves", CAMERA, [(14.5, 15.0)]),  # r10
            (1, "closes", 3, [(18.0, 18.5)]),  # r11
            (1, "picks up", 5, [(20.0, 20.5)]),  # r12
            (1, "holds", 5, [(20.0, 27.0)]),  # r13
            (1, "leaves", CAMERA, [(26.5, 27.0)]),  # r14
        ],
    )


def relay() -> TemporalGraph:
    """Three runners pass a baton on; the third puts it down, a fourth watches."""
    whole = [(0.0, 20.0)]
    return make_graph(
        20.0,
        [
            (1, "person", ["red shirt"], whole),
            (2, "person", ["blue shirt"], whole),
            (3, "person", ["green shirt"], whole),
            (4, "baton", [], whole),
            (5, "person", ["yellow shirt"], [(0.0, 8.0)]),
        ],
        [
            (1, "holds", 4, [(0.0, 4.2)]),  # r1
            (1, "hands", 4, [(4.0, 4.4)], 2),  # r2
            (2, "holds", 4, [(4.2, 9.2)]),  # r3
            (2, "hands", 4, [(9.0, 9.4)], 3),  # r4
            (3, "holds", 4, [(9.2, 15.0)]),  # r5
            (3, "puts down", 4, [(14.8, 15.0)]),  # r6
            (1, "moves", CAMERA, [(0.0, 5.0)]),  # r7
            (2, "moves", CAMERA, [(3.0, 10.0)]),  # r8
            (3, "moves", CAMERA, [(8.0, 16.0)]),  # r9
            (5, "stands still", CAMERA, [(0.0, 7.0)]),  # r10
            (5, "leaves", CAMERA, [(7.6, 8.0)]),  # r11
            (1, "stands still", CAMERA, [(5.0, 20.0)]),  # r12
        ],
    )


REASONING_GRAPHS: dict[str, Callable[[], TemporalGraph]] = {
    **GRAPHS,
    "playground": playground,
    "office": office,
    "relay": relay,
}
