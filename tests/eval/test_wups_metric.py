"""WUPS: NExT-OE's values, with WordNet's files where they are, and properties without."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import EvalError
from reelgraph.eval.metrics.wordnet import WordNet
from reelgraph.eval.metrics.wups import OpenAnswer, evaluate, plain_words, wups

Json = Any
FOLDER = os.environ.get("WNSEARCHDIR", "")


@pytest.fixture(scope="module")
def golden(data_dir: Path) -> Json:
    return json.loads((data_dir / "metrics_golden" / "nextoe_wups" / "cases.json").read_text())


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    """The real database, named as its own programs name it."""
    if not FOLDER:
        pytest.skip("WordNet 3.0 is not named; set WNSEARCHDIR to the folder of its files")
    return WordNet(FOLDER)


def _table(golden: Json) -> dict[tuple[str, str], float]:
    return {(a, b): value for a, b, value, _ in golden["word_pairs"]["pairs"]}


def _pairs(words: list[str], others: list[str]) -> Iterator[tuple[str, str]]:
    for a in words:
        for b in others:
            if a != b:
                yield from ((a, b), (b, a))


def _answer(row: Json) -> OpenAnswer:
    references = [text.split() for text in row["reference_clean"]]
    return OpenAnswer(row["type"], row["prediction_clean"].split(), references)


def _score(answer: OpenAnswer, similarity: Any, threshold: float = 0.0) -> float:
    return evaluate([answer], similarity, threshold=threshold)["WUPS"]


def test_answers_whose_word_similarities_are_given_get_the_official_scores(golden: Json) -> None:
    table, seen = _table(golden), 0
    for row in golden["rows"]:
        answer = _answer(row)
        pairs = [
            pair for words in answer.references for pair in _pairs([*answer.predicted], [*words])
        ]
        if all(pair in table for pair in pairs):
            ours = _score(answer, lambda a, b: table[a, b])
            assert ours == pytest.approx(row["wups0"], abs=1e-6)
            ours = _score(answer, lambda a, b: table[a, b], 0.9)
            assert ours == pytest.approx(row["wups9"], abs=1e-6)
            seen += 1
    assert seen >= 50


# --- with WordNet --------------------------------------------------------------------------------


def test_word_similarities_are_those_of_nltk(golden: Json, wordnet: WordNet) -> None:
    for (a, b), value in _table(golden).items():
        assert wordnet(a, b) == pytest.approx(value, abs=1e-6), (a, b)


def test_phrases_and_answers_get_the_official_scores(golden: Json, wordnet: WordNet) -> None:
    for threshold, key in ((0.0, "wups0"), (0.9, "wups9")):
        for pair in golden["phrase_pairs"]:
            words = pair["prediction"].split(), pair["reference"].split()
            ours = wups(*words, wordnet, threshold=threshold)
            assert ours == pytest.approx(pair[key], abs=1e-6), pair
        for row in golden["rows"]:
            ours = _score(_answer(row), wordnet, threshold)
            assert ours == pytest.approx(row[key], abs=1e-6), row


def test_the_official_table_comes_out(golden: Json, wordnet: WordNet) -> None:
    answers = [_answer(row) for row in golden["rows"]]
    ours = {name: 100 * value for name, value in evaluate(answers, wordnet).items()}
    expected = {key: value for key, value in golden["expected_table"].items() if key != "error"}
    assert ours == pytest.approx(expected, abs=1e-6)
    high = evaluate(answers, wordnet, threshold=0.9)["WUPS"]
    assert 100 * high == pytest.approx(golden["expected_wups9"], abs=1e-6)


# --- a made WordNet ------------------------------------------------------------------------------

# thing > animal > dog, cat; thing > tool; verbs run and walk without a common root.
INDEX = {
    "noun": ["thing n 1 0 1 0 100", "animal n 1 1 @ 1 0 200", "dog n 1 1 @ 1 0 300",
             "cat n 1 1 @ 1 0 400", "tool n 1 1 @ 1 0 500"],
    "verb": ["run v 1 0 1 0 600", "walk v 1 0 1 0 700", "jog v 1 1 @ 1 0 800"],
    "adj": ["red a 1 0 1 0 900"],
    "adv": [],
}  # fmt: skip
DATA = {
    "noun": ["00000100 03 n 01 thing 0 000 | a thing",
             "00000200 03 n 01 animal 0 001 @ 00000100 n 0000 | an animal",
             "00000300 03 n 01 dog 0 001 @ 00000200 n 0000 | a dog",
             "00000400 03 n 01 cat 0 001 @i 00000200 n 0000 | a cat",
             "00000500 03 n 01 tool 0 001 @ 00000100 n 0000 | a tool"],
    "verb": ["00000600 38 v 01 run 0 000 01 + 01 00 | to run",
             "00000700 38 v 01 walk 0 000 01 + 01 00 | to walk",
             "00000800 38 v 01 jog 0 001 @ 00000600 v 0000 01 + 01 00 | to jog"],
    "adj": ["00000900 00 a 01 red 0 000 | red"],
    "adv": [],
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> WordNet:
    for kind, files in (("index", INDEX), ("data", DATA)):
        for part, lines in files.items():
            text = "".join(f"{line}\r\n" for line in ["  1 licence", *lines])
            (tmp_path / f"{kind}.{part}").write_bytes(text.encode())
    (tmp_path / "verb.exc").write_text("ran run\n")
    return WordNet(tmp_path)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ("dog", "cat", 2 * 2 / (2 * 2 + 1 + 1)),
        ("dogs", "animals", 2 * 2 / (2 * 2 + 1)),
        ("dog", "tool", 2 / (2 + 2 + 1)),
        ("tool", "tool", 1),
        ("ran", "jogs", 2 / (2 + 1)),
        # Of two roots the artificial one comes first by name, unless a word is a root itself.
        ("jogs", "ran", 2 / (2 + 2 + 1)),
        # Verbs meet at a root above them, from the verb's side only.
        ("run", "walk", 2 / (2 + 1 + 1)),
        ("run", "dog", 2 / (2 + 1 + 3)),
        ("dog", "run", 0),
        ("red", "dog", 0),
        ("xyzzy", "dog", 0),
    ],
)
def test_similarity_goes_by_the_way_through_the_taxonomy(
    made: WordNet, a: str, b: str, value: float
) -> None:
    assert made(a, b) == pytest.approx(value)


def test_a_folder_without_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=r"lacks WordNet's files \['index.noun'.*wordnet-base"):
        WordNet(tmp_path)


# --- quirks and properties -----------------------------------------------------------------------


def _nothing_alike(first: str, second: str) -> float:
    return 0.0


def test_unknown_words_cost_nothing_and_empty_texts_score_zero() -> None:
    assert wups(["dog", "xyzzy"], ["dog"], _nothing_alike) == 1
    assert wups([], [], _nothing_alike) == 0
    assert _score(OpenAnswer("DC", [], [[]]), _nothing_alike) == 1


def test_counts_must_be_equal_and_the_best_reference_counts() -> None:
    def alike(a: str, b: str) -> float:
        return 0.9

    assert _score(OpenAnswer("DC", ["two"], [["three"]]), alike) == 0
    assert _score(OpenAnswer("DO", ["two"], [["three"], ["two"]]), alike) == 1


def test_groups_are_averaged_and_empty_ones_left_out() -> None:
    answers = [
        OpenAnswer("TN", ["sit"], [["sit"]]),
        OpenAnswer("TP", ["sit"], [["run"]]),
        OpenAnswer("CW", ["sit"], [["sit"]]),
    ]
    assert evaluate(answers, _nothing_alike) == {
        "TPN": 0.5, "WUPS_T": 0.5, "CW": 1, "WUPS_C": 1, "WUPS": pytest.approx(2 / 3)
    }  # fmt: skip


@pytest.mark.parametrize("answer", [OpenAnswer("XX", [], [[]]), OpenAnswer("CW", [], [])])
def test_an_answer_that_cannot_be_scored_is_named(answer: OpenAnswer) -> None:
    with pytest.raises(EvalError, match="needs one of the types"):
        evaluate([answer], _nothing_alike)


words = st.lists(st.sampled_from("abcd"), max_size=4)
tables = st.dictionaries(st.tuples(*[st.sampled_from("abcd")] * 2), st.floats(0, 1))


@given(first=words, second=words, table=tables, data=st.data())
def test_scores_are_bounded_and_order_is_irrelevant(
    first: list[str], second: list[str], table: dict[tuple[str, str], float], data: st.DataObject
) -> None:
    def alike(a: str, b: str) -> float:
        return table.get((a, b), 0.0)

    score = wups(first, second, alike)
    assert 0 <= score <= 1
    assert wups(second, first, alike) == pytest.approx(score)
    shuffled = data.draw(st.permutations(first))
    assert wups(shuffled, second, alike) == pytest.approx(score)
    assert wups(first, second, alike, threshold=0.9) <= score + 1e-12
    if first:
        assert wups(first, first, alike) == 1


def test_plain_words_are_near_the_official_cleaning(golden: Json) -> None:
    texts = golden["cleaning"]
    same = sum(plain_words(item["text"]) == item["clean"].split() for item in texts)
    assert same / len(texts) > 0.3
