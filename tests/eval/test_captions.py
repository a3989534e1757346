"""Captions: words in common decide, near the time that the question names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.eval.captions import best_option, combined, option_scores

CAPTIONS = (
    (0.0, "A child holds a red ball."),
    (1.0, "A child throws the ball to a dog."),
    (2.0, "The dog runs away on the grass."),
    (3.0, "A man sits down and smiles."),
)


@pytest.mark.parametrize(
    ("question", "choices", "index"),
    [
        ("what is there", ("a horse", "a dog", "a car"), 1),
        ("what happens at the start", ("it runs", "it smiles", "holds a ball"), 2),
        ("what happens at the end", ("throws", "the man smiled", "runs"), 1),
        ("what does the man do", ("throwing", "sitting down", "running"), 1),
        ("what is there", ("the", "a", "it"), 0),
    ],
)
def test_the_option_that_is_said_is_chosen(
    question: str, choices: tuple[str, ...], index: int
) -> None:
    assert best_option(option_scores(question, choices, CAPTIONS)) == index


words = st.lists(
    st.sampled_from(["a", "dog", "runs", "away", "ball", "man", "smiles", "the", "end"]), max_size=6
)


@given(
    said=st.lists(words, max_size=6),
    question=words,
    choices=st.lists(words, min_size=2, max_size=5),
)
def test_scores_are_shares_and_follow_their_options(
    said: list[list[str]], question: list[str], choices: list[list[str]]
) -> None:
    captions = tuple((float(i), " ".join(text)) for i, text in enumerate(said))
    options = [" ".join(option) for option in choices]
    scores = option_scores(" ".join(question), options, captions)
    assert all(0 <= score <= 1 for score in scores)
    backwards = option_scores(" ".join(question), options[::-1], captions)
    assert scores == backwards[::-1]
    if not captions:
        assert set(scores) == {0.0}


def test_a_graphs_answer_adds_to_its_option_alone() -> None:
    assert combined([0.5, 0.4], 1, 0.5, weight=0.4) == [0.5, pytest.approx(0.6)]
    assert combined([0.5, 0.4], None, 0.5, weight=0.4) == [0.5, 0.4]
    assert combined([0.5, 0.4], 1, 1.0, weight=0.0) == [0.5, 0.4]
