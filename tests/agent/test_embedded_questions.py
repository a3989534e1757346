"""The embedded model on made graphs: every kind of question, and what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from made_graphs import GRAPHS

Case = tuple[str, str, dict[str, Any]]


def says(*parts: str, **wanted: Any) -> dict[str, Any]:
    return {"says": parts, **wanted}


UNKNOWN: dict[str, Any] = {"abstains": True}

CASES: list[Case] = [
    # who
    ("hand-over", "Who hands the ball?", says("Person #1", "5.20 s", cites="r2")),
    ("hand-over", "Who gives the ball away?", says("Person #1", cites="r2")),
    ("hand-over", "Who passes the yellow ball to person 2?", says("Person #1", cites="r2")),
    ("hand-over", "Who is handed the ball?", says("to person #2", cites="r2")),
    ("hand-over", "Who receives the ball?", says("to person #2", cites="r2")),
    ("hand-over", "Who does the person in red hand the ball to?", says("to person #2", cites="r2")),
    ("hand-over", "To whom is the ball given?", says("to person #2", cites="r2")),
    ("hand-over", "By whom is the ball handed over?", says("Person #1", cites="r2")),
    ("hand-over", "Who has the ball at the end?", says("Person #2", cites="r3")),
    ("hand-over", "Who has the ball at the beginning?", says("Person #1", cites="r1")),
    ("hand-over", "Who is holding the ball at 3 s?", says("Person #1", cites="r1")),
    ("hand-over", "Who holds the ball first?", says("Person #1", cites="r1", objects={1})),
    ("hand-over", "Who is the last person to hold the ball?", says("Person #2", cites="r3")),
    ("hand-over", "Who holds the ball after person 1?", says("Person #2", cites="r3")),
    ("hand-over", "Who is left of person 2?", says("Person #1", cites="r4")),
    ("hand-over", "Who is to the right of person 1?", says("person #2", cites="r4")),
    ("hand-over", "Who walks towards person 1?", says("Person #2", cites="r5")),
    ("hand-over", "Who goes away from person 1?", says("Person #2", cites="r6")),
    ("hand-over", "Who walks in?", says("Person #4", cites="r7")),
    ("hand-over", "Who passes in front of person 2?", says("Person #4", cites="r9")),
    ("street", "Who is followed by the dog?", says("person #3", cites="r4")),
    # what and which
    ("hand-over", "What does person 1 hold?", says("ball #3", cites="r1")),
    ("hand-over", "What is handed over?", says("ball #3", cites="r2")),
    ("street", "Who follows the person?", says("dog #4", cites="r4")),
    ("kitchen", "What does the person pick up first?", says("cup #2", "3.00 s", cites="r1")),
    ("kitchen", "What is the last thing the person picks up?", says("knife #5", cites="r10")),
    ("kitchen", "Which cup is taken first?", says("cup #2", cites="r1", objects={1, 2})),
    ("kitchen", "Which cup is picked up last?", says("cup #2", "16.00 s", cites="r7")),
    ("kitchen", "What is inside the bowl?", says("knife #5", cites="r15")),
    ("kitchen", "What does the person touch?", says("bowl #4", cites="r14")),
    ("kitchen", "What is to the right of the green cup?", says("bowl #4", cites="r13")),
    ("street", "Which car drives first?", says("Car #1", cites="r1")),
    ("street", "Which car stops?", says("Car #2", cites="r3")),
    ("street", "What follows the person?", says("Dog #4", cites="r4")),
    ("street", "Which animal follows somebody?", says("Dog #4", cites="r4")),
    # what happens, what someone does
    ("hand-over", "What does person 2 do before the ball is handed over?", says("approaches")),
    ("kitchen", "What happens after the green cup is put down?", says("picks up cup #2")),
    ("kitchen", "What does the person do right before picking up the knife?",
     says("puts down cup #2")),
    ("kitchen", "What happens at 10.2 s?", says("picks up cup #3")),
    ("hand-over", "What does person 2 do at 8 s?", says("Person #2", "holds", cites="r3")),
    ("street", "What does the dog do while the bicycle is visible?", says("follows")),
    # when
    ("hand-over", "When does someone hand over the ball?", says("5.20 s", cites="r2")),
    ("hand-over", "At what time is the ball passed on?", says("5.20 s", cites="r2")),
    ("hand-over", "When does person 2 hold the ball?", says("from 5.40 s to 12.00 s", cites="r3")),
    ("hand-over", "When is the person in green visible?", says("from 7.00 s to 10.00 s")),
    ("kitchen", "When is the green cup taken away?", says("10.00 s", cites="r4")),
    ("kitchen", "When is the white cup picked up for the second time?",
     says("16.00 s", cites="r7")),
    ("kitchen", "When does the knife appear?", says("12.00 s")),
    ("street", "When does the bicycle come into view?", says("10.00 s", cites="r8")),
    ("street", "When does the bicycle arrive?", says("10.00 s", cites="r8")),
    ("street", "When does the red car leave?", says("5.70 s", cites="r5")),
    # where
    ("kitchen", "Where is the knife at 15 s?", says("inside bowl #4", cites="r15")),
    ("kitchen", "Where is the white cup?", says("cup #2")),
    ("hand-over", "Where is the ball at 2 s?", says("Person #1", "holds ball #3", cites="r1")),
    # how long
    ("hand-over", "How long does person 2 hold the ball?", says("6.60 s", cites="r3")),
    ("hand-over", "How long is the video?", says("12.00 s", evidence=0)),
    ("street", "How long does the blue car stand still?", says("3.00 s", cites="r3")),
    ("street", "For how long is the red car visible?", says("6.00 s")),
    # how many, how often
    ("hand-over", "How many people are there?", says("3:", "#1", "#2", "#4")),
    ("hand-over", "How many people are visible at 8 s?", says("3:")),
    ("hand-over", "How many people are in the picture at 2 s?", says("2:")),
    ("hand-over", "How many people hold the ball?", says("2:")),
    ("kitchen", "How many cups are there?", says("2:")),
    ("kitchen", "How many times is a cup put down?", says("3 times")),
    ("kitchen", "How often does the person pick up the white cup?", says("2 times")),
    ("kitchen", "How many times is the green cup picked up?", says("Once", cites="r4")),
    ("street", "How many cars are visible at most at the same time?", says("2")),
    ("street", "What is the largest number of cars at any time?", says("2")),
    ("street", "What is the smallest number of cars in view?", says("0")),
    ("street", "How many vehicles are visible at most?", says("2")),
    ("street", "How many objects are there?", says("5:")),
    ("kitchen", "What is the largest number of things in view?", says("5")),
    ("street", "How many cars are in the street when the bicycle enters?", says("One")),
    # did
    ("hand-over", "Does person 1 hand the ball to person 2?", says("Yes", cites="r2")),
    ("hand-over", "Does person 2 hand the ball to person 1?", says("No")),
    ("hand-over", "Is the ball yellow?", says("Yes", "yellow")),
    ("hand-over", "Is person 2 right of person 1?", says("Yes", cites="r4")),
    ("hand-over", "Is the ball held by person 2 at 2 s?", says("No")),
    ("kitchen", "Did the person put the white cup back?", says("Yes", cites="r3")),
    ("kitchen", "Is a bowl in the picture?", says("Yes")),
    ("kitchen", "Is the knife ever put down?", says("No")),
    ("street", "Did the dog chase the person before the bicycle came in?", says("Yes", cites="r4")),
    # before, after, while, next
    ("hand-over", "Who holds the ball before it is handed over?", says("Person #1", cites="r1")),
    ("hand-over", "After the ball is handed over, who holds it?", says("Person #2", cites="r3")),
    ("hand-over", "Who is visible while person 4 leaves?", says("Person #")),
    ("kitchen", "What does the person pick up next after the green cup?",
     says("cup #2", "16.00 s", cites="r7")),
    ("kitchen", "Which cup is picked up before the green cup?", says("cup #2", cites="r1")),
    ("kitchen", "Which cup is never held before 9 s?", says("Cup #3")),
    ("kitchen", "Is the white cup picked up before the green cup?", says("Yes", cites="r1")),
    ("kitchen", "Is the knife picked up before the green cup?", says("No")),
    ("kitchen", "Which cup is picked up twice?", says("cup #2", objects={1, 2})),
    ("kitchen", "What happens in this video?", says("picks up cup #2")),
    # attributes
    ("hand-over", "What colour is the ball?", says("yellow")),
    ("street", "What is the person wearing?", says("black coat")),
    # what it does not know
    ("hand-over", "When?", UNKNOWN),
    ("hand-over", "Why does person 1 hand over the ball?", UNKNOWN),
    ("hand-over", "How does person 1 feel?", UNKNOWN),
    ("hand-over", "Who throws the ball?", UNKNOWN),
    ("hand-over", "Who hands over the umbrella?", UNKNOWN),
    ("hand-over", "Is there a dog?", UNKNOWN),
    ("hand-over", "Who hands the ball to person 9?", UNKNOWN),
    ("hand-over", "blorp fizz wug?", UNKNOWN),
    ("hand-over", "When?", UNKNOWN),
    ("hand-over", "What is the name of person 1?", UNKNOWN),
    ("hand-over", "????", UNKNOWN),
    ("kitchen", "How many spoons are on the table?", UNKNOWN),
    ("kitchen", "Who drinks from the cup?", UNKNOWN),
    ("kitchen", "What does the purple cup do?", UNKNOWN),
    ("street", "Who won the election?", UNKNOWN),
    ("street", "When does the aeroplane land?", UNKNOWN),
]  # fmt: skip

CHOICES: list[tuple[str, str, list[str], int | None]] = [
    ("hand-over", "Who hands the ball over?", ["the person in blue", "the person in red"], 1),
    ("hand-over", "Who has the ball at the end?", ["person 1", "person 2", "nobody"], 1),
    ("hand-over", "How many people are there?", ["two", "three", "four"], 1),
    ("hand-over", "When is the ball handed over?", ["at 1 s", "at 5 s", "at 9 s"], 1),
    ("hand-over", "Is the ball handed over?", ["yes", "no"], 0),
    ("hand-over", "What colour is the ball?", ["red", "green", "yellow"], 2),
    ("hand-over", "What does person 4 do first?", ["leave", "walk in", "hold the ball"], 1),
    ("hand-over", "Why is the ball handed over?", ["it is hot", "it is heavy"], None),
    ("kitchen", "Which cup is picked up last?", ["the left one", "the right one"], 0),
    ("kitchen", "What happens after the green cup is put down?",
     ["the knife is picked up", "the white cup is picked up", "the bowl falls"], 1),
    ("kitchen", "How often is a cup put down?", ["once", "twice", "three times"], 2),
    ("kitchen", "How much time passes between picking up the green cup and putting it down?",
     ["8 s", "3 s", "12 s"], 1),
    ("kitchen", "What happens first, the knife is picked up or the bowl is touched?",
     ["the bowl is touched", "the knife is picked up"], 1),
    ("kitchen", "Is the knife picked up before the green cup?", ["yes", "no"], 1),
    ("street", "Which car leaves last?", ["the red car", "the blue car", "none of them"], 1),
    ("street", "What does the blue car do after it enters?",
     ["stand still", "leave", "explode"], 0),
    ("street", "Where is the dog?", ["near the person", "inside the car"], 0),
]  # fmt: skip


@pytest.mark.parametrize(("graph", "question", "wanted"), CASES, ids=[c[1] for c in CASES])
def test_answers(
    graph: str, question: str, wanted: dict[str, Any], agent_for: Callable[..., Any]
) -> None:
    answer = agent_for(GRAPHS[graph]()).ask(question, "made.mp4")
    assert answer.unsupported == ()
    assert answer.abstained == wanted.get("abstains", False), answer.text
    for part in wanted.get("says", ()):
        assert part.lower() in answer.text.lower()
    if "objects" in wanted:
        assert {i for e in answer.evidence for i in e.objects} >= wanted["objects"]
    if "cites" in wanted:
        assert answer.evidence[0].relation == wanted["cites"], answer.text
    if "evidence" in wanted:
        assert len(answer.evidence) == wanted["evidence"]
    if answer.abstained:
        assert answer.confidence == 0.0
        assert answer.evidence == ()


@pytest.mark.parametrize(("graph", "question", "choices", "wanted"), CHOICES)
def test_chooses(
    graph: str,
    question: str,
    choices: list[str],
    wanted: int | None,
    agent_for: Callable[..., Any],
) -> None:
    answer = agent_for(GRAPHS[graph]()).ask(question, "made.mp4", choices=choices)
    assert (answer.choice.index if answer.choice else None) == wanted, answer.text
    assert answer.abstained == (wanted is None)
