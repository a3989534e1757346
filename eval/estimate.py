"""What a run will cost, before it starts: answers, tokens, money; and time after a first look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from reelgraph.errors import VideoError
from reelgraph.eval.arms import Arm
from reelgraph.eval.asking import Asker
from reelgraph.eval.benchmarks.question import Question
from reelgraph.eval.cache import RequestCache
from reelgraph.eval.plan import Plan
from reelgraph.eval.power import minimum_detectable_difference

__all__ = ["Estimate", "Prices", "estimate", "sensitivity", "shown_seconds"]

LOOKED_AT = 200
"""So many requests are made to estimate the tokens of all."""
OUTPUT_TOKENS = {"tools": 600, "text": 10}
"""What is taken to come back for one answer, by tools and as a letter or a few words."""
_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What a provider asks, in dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class Estimate:
    """What is still to do.

    Attributes:
        answers: Answers that the run has, all arms together.
        logged: Those that are in the log.
        cached: Estimate of those that are in the request cache.
        input_tokens: Estimate of what goes in for the rest; 0 for the embedded model.
        output_tokens: Estimate of what comes out.
        prices: What tokens cost, None if not told.
    """

    answers: int
    logged: int
    cached: int
    input_tokens: int
    output_tokens: int
    prices: Prices | None = None

    @property
    def dollars(self) -> float | None:
        """Estimate of the costs."""
        if self.prices is None:
            return None
        paid = self.input_tokens * self.prices.input + self.output_tokens * self.prices.output
        return paid / _MILLION

    def __str__(self) -> str:
        parts = [f"{self.answers} answers"]
        if self.logged:
            parts.append(f"{self.logged} are in the log")
        if self.cached:
            parts.append(f"about {self.cached} in the cache")
        if self.input_tokens:
            parts.append(f"about {self.input_tokens:,} tokens in and {self.output_tokens:,} out")
        if self.input_tokens and self.dollars is not None:
            parts.append(f"about ${self.dollars:,.2f}")
        return ", ".join(parts)


def estimate(
    plan: Plan,
    todo: Sequence[tuple[Arm, Question]],
    askers: Mapping[str, Asker],
    cache: RequestCache | None,
    prices: Prices | None,
    logged: int,
) -> Estimate:
    """Return what is still to do, scaled up from some of it."""
    step = max(1, len(todo) // LOOKED_AT)
    # An estimate builds no graph: what needs one is taken to cost what the others do.
    looked = [task for task in islice(todo, 0, None, step) if plan.showing.at_hand(*task)]
    cached = into = out = 0
    for arm, question in looked:
        try:
            shown = plan.showing.shown(arm, question)
        except VideoError:
            continue  # it becomes a failed record when its turn comes
        request = askers[arm.name].request(arm, question, shown)
        if cache is not None and request.key in cache:
            cached += 1
        elif request.tokens:
            into += request.tokens
            out += OUTPUT_TOKENS["tools" if arm.by_tools else "text"]
    scale = len(todo) / len(looked) if looked else 0.0
    return Estimate(
        answers=logged + len(todo),
        logged=logged,
        cached=round(cached * scale),
        input_tokens=round(into * scale),
        output_tokens=round(out * scale),
        prices=prices,
    )


def sensitivity(plan: Plan) -> str:
    """Return one sentence on which difference the run can find, ``""`` for one arm.

    Taken is that two arms disagree on 30 % of the questions and that questions on one video
    are independent; the report tells what holds for what was found.
    """
    questions = plan.header.questions
    least = minimum_detectable_difference(questions)
    if len(plan.arms) < 2:
        return ""
    found = "no difference" if math.isnan(least) else f"a difference of {100 * least:.1f} points"
    return f"{questions} questions find {found} between two arms in four of five runs"


def shown_seconds(seconds: float) -> str:
    """Return a time as people say it: ``"45 s"``, ``"3 min"``, ``"2.5 h"``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
