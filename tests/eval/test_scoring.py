"""Replies are read strictly: what names one option counts, all else is not parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.eval.benchmarks import Question
from reelgraph.eval.scoring import is_right, letter, normalized, option_named

CHOICES = ("the red ball", "the dog", "a child", "Andy Murray")


@pytest.mark.parametrize(
    ("reply", "index"),
    [
        ("B", 1),
        ("b", 1),
        (" (C) ", 2),
        ("**A**", 0),
        ("B.", 1),
        ("D: Andy Murray", 3),
        ("A. The red ball", 0),
        ("(B) the dog, because it barks", 1),
        ("The answer is C", 2),
        ("The correct answer is (B).", 1),
        ("Answer: D", 3),
        ("I look at it.\nAnswer: **B**", 1),
        ("the dog", 1),
        ("A child.", 2),
        ("Andy Murray", 3),
    ],
)
def test_a_reply_that_names_one_option_is_read(reply: str, index: int) -> None:
    assert option_named(reply, CHOICES) == index


@pytest.mark.parametrize(
    "reply",
    ["", " ", "E", "F.", "A or B", "The answer is A. No, the answer is B.", "I do not know",
     "the cat", "A dog barks", "Both are right", "1", "dog and child", "Answer: Z", "42",
     "None of the options", "The answer is a child", "The answer is A child", "answer: d"],
)  # fmt: skip
def test_a_reply_that_names_none_or_two_is_not_guessed(reply: str) -> None:
    assert option_named(reply, CHOICES) is None


@given(
    index=st.integers(0, 3),
    frame=st.sampled_from(["{}", "({})", "{}.", " {} ", "**{}**", "Answer: {}", "'{}'"]),
)
def test_letters_in_any_frame_are_read(index: int, frame: str) -> None:
    assert option_named(frame.format(letter(index)), CHOICES) == index


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    found = option_named(text, CHOICES)
    assert found is None or 0 <= found < len(CHOICES)
    assert normalized(normalized(text)) == normalized(text)


def asked(answer: int | str | None, *also: str, choices: tuple[str, ...] = ()) -> Question:
    return Question("q", "v", "?", answer, choices, also)


@pytest.mark.parametrize(
    ("question", "prediction", "right"),
    [
        (asked(1, choices=CHOICES), 1, True),
        (asked(1, choices=CHOICES), 0, False),
        (asked(1, choices=CHOICES), None, False),
        (asked(None, choices=CHOICES), 1, None),
        (asked("Two dogs"), "2 dogs.", True),
        (asked("no"), "No", True),
        (asked("no"), "nothing", False),
        (asked("throw it", "toss"), "Toss!", True),
        (asked("throw it"), None, False),
        (asked("café"), "the cafe", True),
    ],
)
def test_an_answer_is_right_only_if_it_is_the_expected_one(
    question: Question, prediction: int | str | None, right: bool | None
) -> None:
    assert is_right(question, prediction) is right
