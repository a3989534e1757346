"""The single questions and answers that the report's page shows, as data for its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reelgraph.eval.log import Record, RunLog, graph_text
from reelgraph.eval.report.summary import Report
from reelgraph.eval.report.systems import Answers, named_systems

__all__ = ["answer_data"]


def answer_data(report: Report, logs: Sequence[RunLog]) -> dict[str, Any]:
    """Return what the page's script reads.

    Args:
        report: The report; gives the order of systems and comparisons.
        logs: The runs that it was made from.

    Returns:
        ``systems`` (names), ``pairs`` (places of both systems of each comparison), ``types``,
        ``questions`` (each with one answer or null for each system) and ``graphs`` (texts that
        answers name by their place).
    """
    systems = named_systems(logs)
    names = [system.name for system in report.systems]
    texts = _Texts()
    questions: dict[str, Record] = {}
    for found in systems.values():
        for key, record in found.records.items():
            questions.setdefault(key, record)
    ordered = sorted(questions.values(), key=lambda record: (record.cluster, record.question_id))
    return {
        "systems": names,
        "pairs": [[names.index(c.first), names.index(c.second)] for c in report.comparisons],
        "types": list(report.types),
        "questions": [_question(record, systems, texts) for record in ordered],
        "graphs": texts.found,
    }


class _Texts:
    """Texts of graphs, each kept once."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, log: RunLog, record: Record) -> int | None:
        """Return the place of the text that an answer was made from, if it was kept."""
        text = graph_text(log, record)
        if text is None:
            return None
        if text not in self._places:
            self._places[text] = len(self.found)
            self.found.append(text)
        return self._places[text]


def _question(record: Record, systems: Mapping[str, Answers], texts: _Texts) -> dict[str, Any]:
    return {
        "id": record.question_id,
        "video": record.video,
        "type": record.type,
        "text": record.question,
        "choices": list(record.choices),
        "gold": record.gold,
        "when": [list(span) for span in record.gold_spans],
        "answers": [
            _answer(found, found.records.get(record.question_id), texts)
            for found in systems.values()
        ],
    }


def _answer(found: Answers, record: Record | None, texts: _Texts) -> dict[str, Any] | None:
    if record is None:
        return None
    proof = record.evidence
    lines = zip(proof.relations, proof.intervals, proof.sentences, strict=False)
    return {
        "right": record.correct,
        "state": _state(record),
        "prediction": record.prediction,
        "text": record.text,
        "error": record.error,
        "confidence": record.confidence,
        "when": [list(span) for span in record.predicted_spans],
        "evidence": [[relation, list(span), sentence] for relation, span, sentence in lines],
        "graph": texts.place(found.log, record),
    }


def _state(record: Record) -> str:
    """Return why an answer is none, in a word; empty if it is one."""
    if record.error is not None:
        return "failed"
    if record.abstained:
        return "abstained"
    return "" if record.parsed else "not parsed"
