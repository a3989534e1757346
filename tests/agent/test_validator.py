"""Drafts with wrong ids, invented times or swapped roles are caught; right ones are not."""

from __future__ import annotations

from typing import Any

import pytest
from made_graphs import hand_over, kitchen

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.facts import Facts
from reelgraph.agent.references import fill
from reelgraph.agent.tools import graph_tools
from reelgraph.agent.validator import Checked, check_draft

RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("[o1] hands [o3] to [o2] [r2].", {"relations": ["r2"]}),
    ("[o1] hands [o3] to [o2] at [r2].", {}),
    ("[o1] gives the ball [o3] to [o2] [r2].", {"relations": ["r2"]}),
    ("Person #1 hands ball #3 to person #2.", {"relations": ["r2"]}),
    ("[o3] is handed to [o2] by [o1] [r2].", {"relations": ["r2"]}),
    ("[o2] receives [o3] from [o1] [r2].", {"relations": ["r2"]}),
    ("[o2] is holding [o3] [r3].", {"relations": ["r3"]}),
    ("[o3] is held by [o2] [r3].", {}),
    ("[o1] holds [o3] [r1]. Then [o2] holds [o3] [r3].", {}),
    ("At the end [o2] has the ball [o3].", {"relations": ["r3"]}),
    ("[o1] is left of [o2] [r4].", {"relations": ["r4"]}),
    ("[o2] is to the right of [o1] [r4].", {"relations": ["r4"]}),
    ("[o2] is near [o1] [r11].", {"relations": ["r11"]}),
    ("[o2] walks towards [o1] [r5].", {}),
    ("The hand-over starts at [r2.start] and ends at [r2.end].", {"relations": ["r2"]}),
    ("[o2] holds [o3] for [r3.duration].", {}),
    ("The person in the red shirt hands over the ball [r2].", {"relations": ["r2"]}),
    ("2 people hold the ball: [o1] and [o2].", {"relations": ["r1", "r3"], "objects": [1, 2]}),
    ("There are three people: [o1], [o2] and [o4].", {"objects": [1, 2, 4]}),
    ("[o4] enters [r7] and leaves [r8].", {"relations": ["r7", "r8"]}),
    ("The video lasts [video.duration].", {}),
    ("No, [o2] does not hand [o3] to [o1]; [o1] hands it over [r2].", {"relations": ["r2"]}),
    ("Yes.", {"relations": ["r2"]}),
    ("After the hand-over [r2], [o2] keeps [o3] [r3].", {}),
    ("[o1] holds [o3] until it hands the ball to [o2] [r2].", {"relations": ["r1", "r2"]}),
]

WRONG: list[tuple[str, dict[str, Any], str]] = [
    # ids that do not exist
    ("[o1] hands [o3] to [o2] [r99].", {"relations": ["r99"]}, "r99"),
    ("[o1] hands [o9] to [o2] [r2].", {"relations": ["r2"]}, "o9"),
    ("[o1] hands it over.", {"relations": ["r2"], "objects": [77]}, "o77"),
    ("[o1] holds it [r1.4].", {"relations": ["r1.4"]}, "r1"),
    ("Somebody does.", {"relations": ["hands"]}, "hands"),
    ("[o1] hands it over [cfake].", {"relations": ["r2"], "results": ["cfake"]}, "cfake"),
    # times, frames and ids that were not looked up
    ("[o1] hands [o3] to [o2] at 4.7 s.", {"relations": ["r2"]}, "4.7 s"),
    ("[o1] hands [o3] over after 5 seconds.", {"relations": ["r2"]}, "5 seconds"),
    ("It happens at 0:05.", {"relations": ["r2"]}, "0:05"),
    ("It happens after five seconds.", {"relations": ["r2"]}, "five seconds"),
    ("It lasts 2 minutes.", {"relations": ["r2"]}, "2 minutes"),
    ("It is in frame 130.", {"relations": ["r2"]}, "frame 130"),
    ("It is in frame no. 12.", {"relations": ["r2"]}, "frame no. 12"),
    ("Person #4 hands over the ball.", {"relations": ["r2"]}, "#4"),
    ("Object 7 is handed over.", {"relations": ["r2"]}, "7"),
    ("It happens at 4.7 [r2].", {"relations": ["r2"]}, "4.7"),
    ("It happens at second 4 [r2].", {"relations": ["r2"]}, "second 4"),
    ("[o1] hands it over, see r99.", {"relations": ["r2"]}, "r99"),
    # only objects are cited, or a word of negation stands in front
    ("[o1] kicks [o2].", {"objects": [1, 2]}, "kicks"),
    ("No doubt, [o2] hands [o3] to [o1] [r2].", {"relations": ["r2"]}, "r2 says"),
    # roles swapped
    ("[o2] hands [o3] to [o1] [r2].", {"relations": ["r2"]}, "r2 says"),
    ("Person #2 hands ball #3 to person #1.", {"relations": ["r2"]}, "r2 says"),
    ("[o3] holds [o1] [r1].", {"relations": ["r1"]}, "r1 says"),
    ("[o1] is held by [o3] [r1].", {"relations": ["r1"]}, "r1 says"),
    ("[o1] receives [o3] from [o2] [r2].", {"relations": ["r2"]}, "r2 says"),
    ("[o1] is to the right of [o2] [r4].", {"relations": ["r4"]}, "r4 says"),
    ("[o2] is left of [o1] [r4].", {"relations": ["r4"]}, "r4 says"),
    # other predicate, other objects
    ("[o1] throws [o3] to [o2] [r2].", {"relations": ["r2"]}, "throws"),
    ("[o1] drops [o3] [r1].", {"relations": ["r1"]}, "drops"),
    ("[o2] picks up [o3] [r3].", {"relations": ["r3"]}, "picks up"),
    ("[o4] holds [o3] [r3].", {"relations": ["r3"]}, "r3 says"),
    ("[o4] runs away [r2].", {"relations": ["r2"]}, "r2 says"),
    # counts
    ("It happens 3 times.", {"relations": ["r2"]}, "3"),
    ("There are five people.", {"objects": [1, 2, 4]}, "five"),
    # nothing behind it
    ("Somebody hands over a ball.", {}, "nothing is cited"),
    # options
    ("[o1] hands it over [r2].", {"relations": ["r2"], "choice": 5}, "choice 5"),
]


def check(text: str, fields: dict[str, Any], question: str = "") -> Checked:
    draft = AnswerDraft(text=text, **fields)
    return check_draft(draft, hand_over(), Facts(), question=question)


@pytest.mark.parametrize(("text", "fields"), RIGHT, ids=[r[0] for r in RIGHT])
def test_right_drafts_pass(text: str, fields: dict[str, Any]) -> None:
    checked = check(text, fields)
    assert checked.problems == []
    assert checked.supported


@pytest.mark.parametrize(("text", "fields", "word"), WRONG, ids=[w[0] for w in WRONG])
def test_wrong_drafts_are_caught(text: str, fields: dict[str, Any], word: str) -> None:
    checked = check(text, fields)
    assert any(word in problem for problem in checked.problems), checked.problems


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("[o1] hands [o3] to [o2] at 4.7 s.", "4.7"),
        ("It happens at 0:05 [r2].", "0:05"),
        ("See frame 130 [r2].", "130"),
        ("Person #4 and person #1 [r2].", "4"),
    ],
)
def test_invented_figures_leave_the_text(text: str, gone: str) -> None:
    checked = check(text, {"relations": ["r2"]})
    assert gone not in fill(checked.text, hand_over(), {}).replace("5.20", "")


def test_swapped_roles_are_no_support() -> None:
    assert not check("[o2] hands [o3] to [o1] [r2].", {"relations": ["r2"]}).supported


def test_one_right_sentence_is_support() -> None:
    checked = check("[o1] hands [o3] to [o2] [r2]. [o3] holds [o1] [r1].", {})
    assert checked.supported
    assert len(checked.problems) == 1


def test_what_the_question_says_may_be_repeated() -> None:
    text = "At 8 s [o4] is visible."
    assert check(text, {"objects": [4]}, question="Who is visible at 8 s?").problems == []
    assert check(text, {"objects": [4]}).problems != []


def test_a_count_may_rest_on_a_tool_result() -> None:
    graph = kitchen()
    count = next(tool for tool in graph_tools(graph) if tool.name == "count")
    message = count.invoke(
        {"name": "count", "args": {"what": "objects", "subject": "cup", "over": "max"},
         "id": "1", "type": "tool_call"}
    )  # fmt: skip
    facts = Facts.gather([message.artifact])
    (result,) = facts.results
    right = AnswerDraft(text=f"At most [{result}] cups, so 2.", results=[result])
    wrong = AnswerDraft(text="At most 4 cups.", results=[result])
    assert check_draft(right, graph, facts).problems == []
    assert check_draft(wrong, graph, facts).problems != []


def test_labels_with_digits_are_no_counts() -> None:
    graph = hand_over().relabel({3: "size 7 ball"})
    draft = AnswerDraft(text="[o1] holds the size 7 ball [r1].", relations=["r1"])
    assert check_draft(draft, graph, Facts()).problems == []


def test_abstaining_needs_no_citation() -> None:
    draft = AnswerDraft(text="I do not know.", abstain=True)
    assert check_draft(draft, hand_over(), Facts()).problems == []
