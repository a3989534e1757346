"""How well options fit a graph where no relation decides: signals, and flagged guesses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_graphs import GRAPHS, make_graph

from reelgraph.agent.facts import Facts, object_row, relation_row
from reelgraph.agent.support import PRIOR_SIGNALS, WEIGHTS, Holding, signals, supports
from reelgraph.graph.temporal import TemporalGraph

EMPTY = Holding({}, {}, frozenset())


def facts_of(graph: TemporalGraph) -> Facts:
    return Facts(
        objects={o.id: object_row(o, None) for o in graph.objects()},
        relations={r.id: relation_row(r) for r in graph.relations()},
        predicates=tuple(graph.stats().predicates),
    )


def slope() -> TemporalGraph:
    whole = [(0.0, 9.0)]
    return make_graph(
        9.0,
        [(1, "child", [], whole), (2, "ski", [], whole), (3, "adult", [], whole)],
        [(1, "ride", 2, whole), (3, "watch", 1, [(2.0, 5.0)])],
    )


FITS = [
    ("where are they", ["beach", "zoo", "snowy slope", "kitchen"], 2),
    ("what is the boy doing", ["play with the dog", "riding the ski", "feed the baby"], 1),
    ("how many children are there", ["three", "one", "five"], 1),
    ("why is the child on the ski", ["to pet the cat", "eat cake", "slide down"], 2),
    ("what does the man do", ["hug the dog", "watch the child", "kiss the cat"], 1),
]


@pytest.mark.parametrize(("question", "options", "wanted"), FITS, ids=[f[0] for f in FITS])
def test_the_option_that_fits_best(question: str, options: list[str], wanted: int) -> None:
    found = supports(question, options, facts_of(slope()))
    assert [s.index for s in found] == list(range(len(options)))
    assert max(found, key=lambda s: s.score).index == wanted


def test_it_names_what_speaks_for_an_option() -> None:
    found = supports("where are they", ["snowy slope", "kitchen"], facts_of(slope()))
    assert found[0].because == ("ski",)
    assert found[1].because == ()


def test_every_signal_has_a_weight() -> None:
    names = signals("why did the man smile", "happy", EMPTY)
    assert names.keys() == WEIGHTS.keys()
    assert set(PRIOR_SIGNALS) <= names.keys()


@pytest.mark.parametrize("option", ["pet the dog", "two", "snow", "hold hands with friends"])
def test_prior_signals_do_not_see_the_graph(option: str) -> None:
    seen = signals("how many dogs are there", option, Holding.of(facts_of(slope())))
    blind = signals("how many dogs are there", option, EMPTY)
    assert {n: seen[n] for n in PRIOR_SIGNALS} == {n: blind[n] for n in PRIOR_SIGNALS}


def test_a_guess_is_flagged_and_cites_nothing(agent_for: Callable[..., Any]) -> None:
    agent = agent_for(GRAPHS["street"]())
    options = ["because of the rain", "to greet the dog"]
    strict = agent.ask("Why does the person stop?", "made.mp4", choices=options)
    assert strict.abstained
    assert strict.choice is None
    loose = agent.ask(
        "Why does the person stop?", "made.mp4", choices=options, allow_unsupported=True
    )
    assert loose.choice is not None
    assert loose.text.startswith("A guess: ")
    assert loose.unsupported
    assert loose.evidence == ()
    assert 0 < loose.confidence <= 0.5


def test_guesses_beat_chance_on_videos_they_were_not_tuned_on(data_dir: Path) -> None:
    path = data_dir / "nextqa_vidor" / "graphs.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    videos = dict(sorted(json.loads(path.read_text()).items()))
    right = []
    for video in list(videos.values())[1::2]:
        whole = [(0.0, video["duration_s"])]
        objects = [
            (o["tid"] + 1, o["category"].replace("_", " "), [], whole) for o in video["objects"]
        ]
        relations = [
            (r["subject"] + 1, r["predicate"], r["object"] + 1, [(r["begin_s"], r["end_s"])])
            for r in video["relations"]
        ]
        facts = facts_of(make_graph(video["duration_s"], objects, relations))
        for item in video["questions"]:
            found = supports(item["question"], item["options"], facts)
            right.append(max(found, key=lambda s: s.score).index == item["answer"])
    assert len(right) == 1184
    assert sum(right) / len(right) > 0.32
