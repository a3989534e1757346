"""The plan of a run: which questions, which arms, what is sent, and about what it will cost."""

from __future__ import annotations

import hashlib
import itertools
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from reelgraph.agent.models import EMBEDDED, model_name, resolve_model
from reelgraph.errors import EvalError
from reelgraph.eval.arms import Arm
from reelgraph.eval.asking import Asker, Published, askers_for, code_hash
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.captions import CAPTION_RULE, GRAPH_WEIGHT
from reelgraph.eval.log import Run
from reelgraph.eval.showing import Showing

__all__ = ["Config", "Plan", "make_plan", "parse_shard"]

_PACKAGES = ("langchain", "langchain-core", "networkx", "numpy")
_PROVIDERS = {"openai": "langchain-openai", "anthropic": "langchain-anthropic"}


class Config(BaseModel):
    """Options that may change an answer; they are part of the log.

    Attributes:
        limit: Ask a random sample of so many questions; None for all.
        seed: Of the sample and of spoilt graphs.
        frames: How many frames an arm with frames shows.
        graph_tokens: At most so many tokens of a graph are told as text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    frames: int = Field(default=8, ge=1, le=64)
    graph_tokens: int = Field(default=4000, ge=100)


@dataclass(frozen=True)
class Plan:
    """What a run is going to do.

    Attributes:
        header: The log's header.
        questions: The questions of this shard, by video.
        arms: The arms.
        showing: Gets what arms show.
        model: The model, for arms that ask one.
        left_out: One sentence on questions that are not asked, ``""`` if all are.
    """

    header: Run
    questions: tuple[Question, ...]
    arms: tuple[Arm, ...]
    showing: Showing
    model: str | BaseChatModel
    left_out: str = ""

    def askers(self) -> dict[str, Asker]:
        """Return new askers, by arm."""
        return askers_for(self.arms, self.model)

    def tasks(self) -> Iterator[tuple[Arm, Question]]:
        """Yield every answer to give; a graph is needed by neighbours only."""
        for _, group in itertools.groupby(self.questions, key=lambda question: question.video):
            questions = list(group)
            for arm in self.arms:
                for question in questions:
                    yield arm, question


def make_plan(
    benchmark: Benchmark,
    arms: Sequence[Arm],
    model: str | BaseChatModel,
    showing: Showing,
    *,
    config: Config | None = None,
    shard: tuple[int, int] | None = None,
) -> Plan:
    """Return the plan of a run.

    Asked are the questions for which every arm has what it needs, so that arms are compared
    on the same questions.

    Raises:
        EvalError: If no question is left, or the model cannot be asked for an arm.
    """
    config = config or Config()
    askers_for(arms, model)
    kept, left_out = _answerable(benchmark, arms, showing)
    sample = _sample(kept, config)
    chosen = _of_shard(sample, shard)
    header = Run(
        benchmark=benchmark.name,
        data=dict(sorted(benchmark.files.items())),
        questions=len(sample),
        questions_hash=_hash(sorted(question.id for question in sample)),
        groups=benchmark.groups,
        arms={arm.name: _definition(arm) for arm in arms},
        model=model_name(resolve_model(model)),
        config=config.model_dump(mode="json")
        | {"graphs": _graphs(arms, sample, showing), "built_by": showing.builder}
        | {"left_out": left_out},
        versions=_versions(model),
        shard=shard,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    ordered = sorted(chosen, key=lambda question: (question.video, question.id))
    return Plan(header, tuple(ordered), tuple(arms), showing, model, left_out)


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``"1/2"``: the first of two parts.

    Raises:
        EvalError: If it is something else.
    """
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise EvalError(f"a shard is written 1/2, the first of two, got {text!r}")


def _definition(arm: Arm) -> dict[str, JsonValue]:
    """Return what an arm is, published answers by the hash of their file."""
    fields: dict[str, JsonValue] = arm.model_dump(mode="json", exclude={"name", "answers"})
    if arm.answers is not None:
        fields["answers"] = hashlib.sha256(arm.answers.read_bytes()).hexdigest()[:16]
    return fields


def _answerable(
    benchmark: Benchmark, arms: Sequence[Arm], showing: Showing
) -> tuple[list[Question], str]:
    """Return the questions for which every arm has what it needs, and what was left out."""
    kept: list[Question] = []
    reasons: dict[str, int] = {}
    published = {arm.name: Published(arm.answers) for arm in arms if arm.answers is not None}
    for question in benchmark.questions:
        wants = ((arm, _lacks(arm, question, showing, published.get(arm.name))) for arm in arms)
        lacking = next((f"arm {arm.name} needs {what}" for arm, what in wants if what), "")
        if lacking:
            reasons[lacking] = reasons.get(lacking, 0) + 1
        else:
            kept.append(question)
    told = "; ".join(f"{count}: {reason}" for reason, count in sorted(reasons.items()))
    if not kept:
        raise EvalError(f"no question of {benchmark.name} can be asked ({told})")
    total = len(benchmark.questions)
    left = f"{total - len(kept)} of {total} questions are left out ({told})" if reasons else ""
    return kept, left


def _lacks(arm: Arm, question: Question, showing: Showing, published: Published | None) -> str:
    if published is not None:
        return "" if published.has(question) else "an answer in its file"
    return showing.lacks(arm, question)


def _sample(questions: Sequence[Question], config: Config) -> list[Question]:
    """Return a random sample that does not depend on the order of the questions."""
    if config.limit is None:
        return list(questions)
    return sorted(questions, key=lambda question: _hash([str(config.seed), question.id]))[
        : config.limit
    ]


def _of_shard(questions: list[Question], shard: tuple[int, int] | None) -> list[Question]:
    """Return the questions of a shard: every n-th video, none of them divided."""
    if shard is None:
        return questions
    number, count = shard
    videos = sorted({question.video for question in questions}, key=lambda name: _hash([name]))
    chosen = set(videos[number - 1 :: count])
    return [question for question in questions if question.video in chosen]


def _graphs(arms: Sequence[Arm], questions: Sequence[Question], showing: Showing) -> str:
    """Return the hash of all graphs that the data gives, so that a changed file is noticed."""
    kinds = {arm.graph: arm for arm in arms if arm.graph}
    if not kinds:
        return ""
    ordered = sorted(questions, key=lambda question: question.id)
    return _hash([showing.graph_hash(arm, q) for _, arm in sorted(kinds.items()) for q in ordered])


def _versions(model: str | BaseChatModel) -> dict[str, str]:
    """Return the versions of what takes part."""
    found = {"python": platform.python_version(), "reelgraph": _version("reelgraph")}
    found |= {package: _version(package) for package in _PACKAGES}
    provider = model.partition(":")[0] if isinstance(model, str) else ""
    if provider in _PROVIDERS:
        found[_PROVIDERS[provider]] = _version(_PROVIDERS[provider])
    if provider == EMBEDDED or not isinstance(model, str):
        found["model"] = type(resolve_model(model)).__name__
    if provider == EMBEDDED:
        found["captions"] = f"{CAPTION_RULE}, weight of graphs {GRAPH_WEIGHT}"
    return found | {"code": code_hash()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
