"""Words of queries meet the words of graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelgraph.graph.lexicon import (
    hypernym_keys,
    inverse_keys,
    label_matches,
    normalize,
    predicate_key,
    synonym_keys,
)


@pytest.mark.parametrize(
    "forms",
    [
        "hold holds holding held",
        "carry carries carrying carried",
        "ride rides riding rode ridden",
        "hug hugs hugging hugged",
        "pass passes passing passed",
        "touch touches touching touched",
        "give gives giving gave given",
        "chase chases chasing chased",
        "lie lies lying lay",
        "pull pulls pulling pulled",
        "feed feeds feeding fed",
        "sniff sniffs sniffing sniffed",
        "leave leaves leaving left",
        "blow blows blowing blew blown",
        "light lights lighting lit lighted",
        "sing sings singing sang sung",
        "sweep sweeps sweeping swept",
        "spin spins spinning spun",
        "beat beats beating beaten",
        "ski skis skiing skied",
        "photograph photographs photographing photographed",
        "twist twists twisting twisted",
    ],
)
def test_the_forms_of_a_verb_share_a_key(forms: str) -> None:
    assert len({predicate_key(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("In_Front-of", "in front of"),
        ("to the left of", "left of"),
        ("on the right side of", "right of"),
        ("is holding", "holds"),
        ("picked up", "picks up"),
        ("moving away from", "moves away from"),
        ("holding hands with", "hold hand with"),
        ("play(instrument)", "plays"),
        ("towards", "toward"),
    ],
)
def test_predicates_that_are_the_same(one: str, other: str) -> None:
    assert predicate_key(one) == predicate_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("holds", "hands"), ("left of", "leaves"), ("picks up", "picks"), ("open", "close to")],
)
def test_predicates_that_differ(one: str, other: str) -> None:
    assert predicate_key(one) != predicate_key(other)


@pytest.mark.parametrize(
    ("asked", "stored", "same"),
    [
        ("grabs", "picks up", True),
        ("took away", "picks up", True),
        ("puts back", "puts down", True),
        ("gives", "hands", True),
        ("beside", "next to", True),
        ("carrying", "holds", True),
        ("touches", "holds", True),
        ("holds", "touches", False),
        ("appears", "enters", True),
        ("picks up", "puts down", False),
        ("left of", "leaves", False),
    ],
)
def test_synonyms_and_narrower_predicates(asked: str, stored: str, same: bool) -> None:
    assert (predicate_key(stored) in synonym_keys(predicate_key(asked))) is same


@pytest.mark.parametrize(
    ("asked", "stored", "found"),
    [
        ("grab", "holds", True),
        ("holds", "grabbed", True),
        ("holds", "picks up", True),
        ("picks up", "holding", True),
        ("carry", "holds", True),
        ("runs", "moves", True),
        ("move", "walking", True),
        ("move", "walking on", True),
        ("touching", "kick", True),
        ("grab", "throw", False),
        ("run", "walk", False),
        ("holds", "left of", False),
        ("looks at", "photographing", True),
        ("interacts with", "shout_at", True),
    ],
)
def test_wider_and_narrower_predicates(asked: str, stored: str, found: bool) -> None:
    assert (predicate_key(stored) in hypernym_keys(predicate_key(asked))) is found


@pytest.mark.parametrize(
    "words",
    [
        "drinking_from drinks",
        "on_the_side_of beside",
        "have_it_on_the_back wearing_on_the_back",
        "at_the_right_of right_of",
        "photographing filming",
        "shout_at yells_at",
        "laying_on lies_on",
        "against leaning_on",
    ],
)
def test_what_data_sets_write_means_something(words: str) -> None:
    one, other = words.split()
    keys = hypernym_keys(predicate_key(one))
    assert predicate_key(other) in keys


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("right of", "left of"),
        ("left of", "right of"),
        ("below", "above"),
        ("behind", "in front of"),
        ("contains", "inside"),
        ("held by", "holds"),
        ("was carried by", "carries"),
        ("near", "near"),
        ("touching", "touches"),
    ],
)
def test_inverses(asked: str, stored: str) -> None:
    assert predicate_key(stored) in inverse_keys(predicate_key(asked))


def test_a_verb_has_no_inverse() -> None:
    assert inverse_keys(predicate_key("holds")) == frozenset()


@pytest.mark.parametrize(
    ("query", "label", "fits"),
    [
        ("people", "person", True),
        ("person", "man", True),
        ("man", "person", False),
        ("kids", "child", True),
        ("child", "boy", True),
        ("person", "boy", True),
        ("animals", "cow", True),
        ("Bike", "bicycle", True),
        ("ball", "ball/sports_ball", True),
        ("sheep", "sheep/goat", True),
        ("tv", "screen/monitor", True),
        ("cup", "tea cup", True),
        ("tea cup", "cup", False),
        ("bicycle", "mountain bikes", True),
        ("knife", "knives", True),
        ("glass", "glasses", False),
        ("dog", "cat", False),
        ("baby", "baby_seat", False),
        ("vehicle", "city bus", True),
        ("phone", "cellular telephone", True),
        ("rug", "carpet", True),
        ("clothes", "jersey", True),
        ("closet", "closet/cabinet", True),
        ("person", "adult", True),
        ("the bottles", "bottle", True),
        ("", "bottle", False),
    ],
)
def test_labels(query: str, label: str, fits: bool) -> None:
    assert label_matches(query, label) is fits


def test_the_names_of_vidor_stay_apart(data_dir: Path) -> None:
    """No two predicates or categories of the vocabulary fall together by accident."""
    folder = data_dir / "vidor_vocabulary"
    predicates = json.loads((folder / "pred_categories.json").read_text())
    categories = json.loads((folder / "obj_categories.json").read_text())
    assert len({predicate_key(name) for name in predicates}) == len(predicates)
    for name in categories:
        matched = {other for other in categories if label_matches(name, other)}
        narrower = {"toy": {"toy"}}.get(name, {name})
        assert matched == narrower, name
    assert all(normalize(name) for name in (*predicates, *categories))
