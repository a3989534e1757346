"""Whether two labels say the same: a judge of five classes, by lexicon or by a chat model.

SVG2's evaluation has a model class each pair of (annotated, predicted) label as identical,
synonym, hypernym or hyponym, semantic overlap, or mismatch. *Lenient* scores accept all but
mismatch, *strict* scores identical labels only. Its prompt and model's revision were not
published, so scores made with another judge are not comparable with the paper's; ours is
named in every result. `LexicalJudge` needs no key; `ModelJudge` asks any chat model, many
pairs a call, and never the same pair twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from reelgraph.errors import EvalError
from reelgraph.graph import lexicon
from reelgraph.prompts import load_prompt

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "Judge",
    "LabelKind",
    "LabelPair",
    "LexicalJudge",
    "ModelJudge",
    "Verdict",
    "same_label",
]

LabelKind: TypeAlias = Literal["object", "attribute", "predicate"]
Verdict: TypeAlias = Literal["identical", "synonym", "hypernym", "overlap", "mismatch"]
"""How two labels relate; ``hypernym`` also stands for hyponym."""

_VERDICTS = frozenset(get_args(Verdict))
_PROMPT = "judge_labels"
_SMALL_WORDS = frozenset({
    "a", "above", "an", "and", "at", "away", "behind", "below", "beside", "between", "by", "down",
    "from", "front", "in", "inside", "into", "left", "near", "next", "of", "off", "on", "onto",
    "out", "outside", "over", "right", "side", "the", "through", "to", "toward", "towards", "under",
    "up", "with",
})  # fmt: skip


class LabelPair(NamedTuple):
    """Two labels to compare.

    Attributes:
        kind: What they name.
        truth: The annotated label.
        predicted: The predicted label.
    """

    kind: LabelKind
    truth: str
    predicted: str


class Judge(Protocol):
    """Classes pairs of labels."""

    @property
    def name(self) -> str:
        """What decides, with its version, for the record of a result."""
        ...

    def judge(self, pairs: Sequence[LabelPair]) -> Mapping[LabelPair, Verdict]:
        """Return the class of each pair; pairs that could not be judged are left out."""
        ...


def plain_label(label: str) -> str:
    """Return a label in lower case with single spaces, without ``_`` and ``(uncertain)``."""
    bare = label.lower().replace("(uncertain)", " ")
    return " ".join(re.split(r"[\s_]+", bare)).strip()


def same_label(pair: LabelPair) -> bool:
    """Return whether two labels are the same word, as strict scores ask.

    Example:
        >>> same_label(LabelPair("object", "Traffic_light", "traffic light (uncertain)"))
        True
    """
    return plain_label(pair.truth) == plain_label(pair.predicted)


class LexicalJudge:
    """Classes by reelgraph's own lexicon: no key, no network, the same everywhere.

    It knows the vocabularies of VidOR, Action Genome, PVSG and TRASER's usual words. A word
    that it does not know is a mismatch unless the labels share a word, so its lenient scores
    are lower than a language model's.

    Example:
        >>> judge = LexicalJudge()
        >>> pairs = [LabelPair("object", "adult", "person"), LabelPair("predicate", "on", "holds")]
        >>> [*judge.judge(pairs).values()]
        ['hypernym', 'mismatch']
    """

    @property
    def name(self) -> str:
        """``lexicon/1``; the number changes when classes may change."""
        return "lexicon/1"

    def judge(self, pairs: Sequence[LabelPair]) -> dict[LabelPair, Verdict]:
        """Return the class of every pair."""
        return {pair: self._verdict(pair) for pair in pairs}

    def _verdict(self, pair: LabelPair) -> Verdict:
        if same_label(pair):
            return "identical"
        a, b = plain_label(pair.truth), plain_label(pair.predicted)
        compare = _compared_predicates if pair.kind == "predicate" else _compared_labels
        return compare(a, b) or _shared_words(a, b)


def _compared_labels(a: str, b: str) -> Verdict | None:
    if lexicon.label_forms(a) & lexicon.label_forms(b):
        return "synonym"
    if lexicon.label_matches(a, b) or lexicon.label_matches(b, a):
        return "hypernym"
    return None


def _compared_predicates(a: str, b: str) -> Verdict | None:
    one, other = lexicon.predicate_key(a), lexicon.predicate_key(b)
    alike = lexicon.synonym_keys(one), lexicon.synonym_keys(other)
    if one == other or (one in alike[1] and other in alike[0]):
        return "synonym"
    if one in lexicon.hypernym_keys(other) or other in lexicon.hypernym_keys(one):
        return "hypernym"
    return None


def _shared_words(a: str, b: str) -> Verdict:
    """Class labels that the lexicon does not relate by the words they have in common."""
    words = [
        {lexicon.predicate_key(word) for word in re.findall(r"\w+", label)} - _SMALL_WORDS
        for label in (a, b)
    ]
    if not words[0] & words[1]:
        return "mismatch"
    return "hypernym" if words[0] <= words[1] or words[1] <= words[0] else "overlap"


class _Line(BaseModel):
    """One line of the file in which verdicts are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    kind: LabelKind
    truth: str
    predicted: str
    verdict: Verdict


class ModelJudge:
    """Asks a chat model, many pairs a call, and keeps its verdicts in a file.

    Pairs that a reply leaves out are asked again in halves, down to one; what is then still
    without a class is left unjudged. Set the model's temperature to 0 where it has one.

    Args:
        model: A name such as ``"openai:gpt-4o-mini-2024-07-18"`` (name the dated revision)
            or a LangChain chat model.
        cache: File of verdicts, one JSON line each; what stands there for the same model and
            prompt is not asked. It can be committed, so that others get the same scores.
        batch: Pairs in one call.
        concurrency: Calls at a time.

    Attributes:
        calls: Calls made so far.

    Raises:
        EvalError: If a number is below 1.
    """

    def __init__(
        self,
        model: str | BaseChatModel,
        cache: str | Path,
        *,
        batch: int = 50,
        concurrency: int = 4,
    ) -> None:
        if batch < 1 or concurrency < 1:
            raise EvalError(f"batch and concurrency must be at least 1: {batch!r}, {concurrency!r}")
        self._model, self._path = model, Path(cache)
        self._batch, self._concurrency = batch, concurrency
        self.calls = 0

    @property
    def name(self) -> str:
        """Model and the prompt's hash."""
        from reelgraph.agent.models import model_name

        return f"{model_name(self._chat_model)}/{load_prompt(_PROMPT).sha256[:12]}"

    @cached_property
    def _chat_model(self) -> BaseChatModel:
        from reelgraph.agent.models import EMBEDDED, resolve_model

        if self._model == EMBEDDED:
            raise EvalError(
                "the embedded model answers questions about graphs and cannot judge labels; "
                "use LexicalJudge, or name a chat model"
            )
        return resolve_model(self._model)

    def judge(self, pairs: Sequence[LabelPair]) -> dict[LabelPair, Verdict]:
        """Return the class of each pair, from the file or from the model.

        Raises:
            EvalError: If a line of the file is damaged, or the model is the embedded one.
            AgentError: If the model cannot be had.
            ProviderError: If the provider fails or refuses.
        """
        wanted = dict.fromkeys(pairs)
        known = {pair: verdict for pair, verdict in self._kept() if pair in wanted}
        known |= {pair: "identical" for pair in wanted if same_label(pair)}
        todo = sorted(wanted.keys() - known.keys())
        for kind in sorted({pair.kind for pair in todo}):
            part = [pair for pair in todo if pair.kind == kind]
            known |= self._asked(_split(part, self._batch))
        return {pair: known[pair] for pair in wanted if pair in known}

    def _kept(self) -> Iterator[tuple[LabelPair, Verdict]]:
        if not self._path.exists():
            return
        name = self.name
        for number, text in enumerate(self._path.read_text("utf-8").splitlines(), start=1):
            try:
                line = _Line.model_validate_json(text)
            except ValidationError as error:
                raise EvalError(
                    f"line {number} of {str(self._path)!r} is no verdict; delete that line"
                ) from error
            if line.judge == name:
                yield LabelPair(line.kind, line.truth, line.predicted), line.verdict

    def _asked(self, batches: list[list[LabelPair]]) -> dict[LabelPair, Verdict]:
        found: dict[LabelPair, Verdict] = {}
        while batches:
            found |= self._replies(batches)
            rest = [([p for p in batch if p not in found], len(batch)) for batch in batches]
            # A pair that was asked alone and not classed stays unjudged.
            batches = [
                half
                for missing, size in rest
                if missing and size > 1
                for half in _split(missing, max(1, size // 2))
            ]
        return found

    def _replies(self, batches: list[list[LabelPair]]) -> dict[LabelPair, Verdict]:
        """Ask for each batch and keep what comes back at once, even if another call fails."""
        from reelgraph.agent.models import provider_errors

        found: dict[LabelPair, Verdict] = {}
        failures: list[BaseException] = []
        self.calls += len(batches)
        for place, reply in self._chat_model.batch_as_completed(
            [_request(batch) for batch in batches],
            config={"max_concurrency": self._concurrency},
            return_exceptions=True,
        ):
            if isinstance(reply, BaseException):
                failures.append(reply)
                continue
            verdicts = _read(str(reply.text), batches[place])
            self._keep(verdicts)
            found |= verdicts
        if failures:
            with provider_errors(self._chat_model):
                raise failures[0]
        return found

    def _keep(self, verdicts: Mapping[LabelPair, Verdict]) -> None:
        name = self.name
        lines = [
            _Line(judge=name, verdict=verdict, **pair._asdict()).model_dump_json()
            for pair, verdict in sorted(verdicts.items())
        ]
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())


def _split(pairs: list[LabelPair], size: int) -> list[list[LabelPair]]:
    return [pairs[at : at + size] for at in range(0, len(pairs), size)]


def _request(batch: Sequence[LabelPair]) -> str:
    rows = (
        json.dumps([number, pair.truth, pair.predicted], ensure_ascii=False)
        for number, pair in enumerate(batch, start=1)
    )
    return load_prompt(_PROMPT).render(kind=batch[0].kind, pairs="\n".join(rows))


def _read(text: str, batch: Sequence[LabelPair]) -> dict[LabelPair, Verdict]:
    """Return the verdicts that a reply holds; what is no class is left out."""
    body = re.search(r"\{.*\}", text, re.S)
    try:
        found: Any = json.loads(body[0]) if body else {}
    except json.JSONDecodeError:
        return {}
    answers = {
        pair: str(found.get(str(number), "")).strip().lower()
        for number, pair in enumerate(batch, start=1)
    }
    return {pair: _verdict(answer) for pair, answer in answers.items() if answer in _VERDICTS}


def _verdict(answer: str) -> Verdict:
    verdicts: dict[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
    return verdicts[answer]
