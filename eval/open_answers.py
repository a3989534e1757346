"""Open answers: how near each comes to a right one, where only equal ones count as right."""

from __future__ import annotations

from reelgraph.errors import EvalError
from reelgraph.eval.log import Record, RunLog
from reelgraph.eval.metrics.wups import OpenAnswer, WordSimilarity, evaluate, plain_words

__all__ = ["with_wups"]

THRESHOLDS = (0.0, 0.9)
"""NExT-OE prints the first; the second asks for near synonyms."""


def with_wups(log: RunLog, similarity: WordSimilarity) -> RunLog:
    """Return a run whose answers carry their WUPS, over words cleaned the plain way.

    The name of the score says so: NExT-OE's own numbers need its tagger and stop words (see
    `reelgraph.eval.metrics.wups`), so these compare arms here, and not with its paper.

    Args:
        log: A run on NExT-OE.
        similarity: Of two words, such as `reelgraph.eval.metrics.wordnet.WordNet`.

    Raises:
        EvalError: If the run is on another benchmark.
    """
    if log.header.benchmark != "nextoe":
        raise EvalError(
            f"WUPS is defined for the question types of nextoe, the run is on "
            f"{log.header.benchmark!r}"
        )
    scored = tuple(_scored(record, similarity) for record in log.records)
    return log.model_copy(update={"records": scored})


def _scored(record: Record, similarity: WordSimilarity) -> Record:
    said = "" if record.prediction is None else str(record.prediction)
    right = [plain_words(text) for text in (str(record.gold), *record.also_right)]
    answer = OpenAnswer(record.type, plain_words(said), right)
    scores = {
        f"WUPS@{threshold:g}, plain words": evaluate([answer], similarity, threshold=threshold)[
            "WUPS"
        ]
        for threshold in THRESHOLDS
    }
    return record.model_copy(update={"scores": {**record.scores, **scores}})
