"""Questions that people wrote about other videos, on the partial graphs that people drew.

The graphs show few of the answers; what counts is that every question is read without
a crash, that supported answers are mostly right, and that nothing false is claimed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_graphs import make_graph

from reelgraph.agent.embedded import draft_answer, plan
from reelgraph.agent.facts import Facts
from reelgraph.agent.question import parse_question
from reelgraph.agent.tools import graph_tools
from reelgraph.agent.validator import check_draft
from reelgraph.graph.temporal import TemporalGraph

EVERY = 3
"""One video in this many is used."""


@pytest.fixture(scope="module")
def videos(data_dir: Path) -> list[dict[str, Any]]:
    path = data_dir / "nextqa_vidor" / "graphs.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return list(json.loads(path.read_text()).values())[::EVERY]


def graph_of(video: dict[str, Any]) -> TemporalGraph:
    whole = [(0.0, video["duration_s"])]
    objects = [(o["tid"] + 1, o["category"], [], whole) for o in video["objects"]]
    relations = [
        (r["subject"] + 1, r["predicate"], r["object"] + 1, [(r["begin_s"], r["end_s"])])
        for r in video["relations"]
    ]
    return make_graph(video["duration_s"], objects, relations)


def drafts(videos: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any, list[str]]]:
    """Yield each question with the embedded model's draft and the validator's problems."""
    for video in videos:
        graph = graph_of(video)
        tools = {tool.name: tool for tool in graph_tools(graph)}
        told = [_rows(tools["describe_video"], {}), _rows(tools["find_relations"], {})]
        for item in video["questions"]:
            facts = Facts.gather(told)
            question = parse_question(item["question"], facts.vocabulary(), item["options"])
            for name, arguments in plan(question, facts.vocabulary()):
                facts = Facts.gather([*told, _rows(tools[name], arguments)])
            draft = draft_answer(question, facts)
            checked = check_draft(
                draft, graph, facts, question=item["question"], choices=item["options"]
            )
            yield item, draft, checked.problems


def _rows(tool: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    message = tool.invoke({"name": tool.name, "args": arguments, "id": "1", "type": "tool_call"})
    return message.artifact or {}


def test_supported_choices_are_mostly_right(videos: list[dict[str, Any]]) -> None:
    right = chosen = asked = 0
    for item, draft, problems in drafts(videos):
        asked += 1
        assert problems == [], item["question"]
        assert (draft.choice is None) == draft.abstain
        chosen += draft.choice is not None
        right += draft.choice == item["answer"]
    assert asked > 700
    assert chosen >= 5
    assert right / chosen > 0.5
