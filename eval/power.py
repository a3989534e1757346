"""What a run can find, before it starts: power of a paired test, smallest difference it shows."""

from __future__ import annotations

import math

from scipy import optimize, stats

from reelgraph.errors import EvalError

__all__ = ["minimum_detectable_difference", "power_of_difference"]


def power_of_difference(
    true_difference: float,
    questions: int,
    *,
    discordant: float = 0.3,
    design_effect: float = 1.0,
    alpha: float = 0.05,
) -> float:
    """Return the chance that a paired test finds a true difference (two-sided McNemar).

    The normal approximation of Connor (1987), with questions divided by the design effect.

    Args:
        true_difference: Of the accuracies, at most ``discordant``.
        questions: Number of paired questions.
        discordant: Share of the questions that only one of the arms gets right.
        design_effect: How much clustering enlarges the variance; see `design_effect`.
        alpha: Level of the test.

    Raises:
        EvalError: If a share is not in range.

    Example:
        >>> round(power_of_difference(0.05, 1000, discordant=0.3), 2)
        0.82
    """
    _check_design(questions, discordant, design_effect, alpha)
    delta = abs(true_difference)
    if delta > discordant:
        raise EvalError(
            f"a difference of {true_difference!r} needs at least that share of discordant "
            f"questions, got discordant={discordant!r}"
        )
    spread = math.sqrt(max(discordant - delta**2, 0.0))
    excess = delta * math.sqrt(questions / design_effect)
    bar = float(stats.norm.isf(alpha / 2)) * math.sqrt(discordant)
    if spread == 0:
        return float(excess > bar)
    return float(stats.norm.cdf((excess - bar) / spread))


def minimum_detectable_difference(
    questions: int,
    *,
    discordant: float = 0.3,
    design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Return the smallest true difference that a paired run would find with some power.

    Args:
        questions: Number of paired questions.
        discordant: Share of the questions that only one of the arms gets right.
        design_effect: How much clustering enlarges the variance; see `design_effect`.
        power: Wanted chance to find it.
        alpha: Level of the two-sided test.

    Returns:
        The difference of accuracies, or NaN if even the largest possible one,
        ``discordant``, would be missed too often.

    Raises:
        EvalError: If a share is not in range.

    Example:
        >>> round(minimum_detectable_difference(1000, discordant=0.3), 3)
        0.048
    """
    _check_design(questions, discordant, design_effect, alpha)
    if not alpha < power < 1:
        raise EvalError(f"power must be between alpha ({alpha!r}) and 1, got {power!r}")

    def lacking(delta: float) -> float:
        found = power_of_difference(
            delta, questions, discordant=discordant, design_effect=design_effect, alpha=alpha
        )
        return found - power

    if lacking(discordant) < 0:
        return math.nan
    return float(optimize.brentq(lacking, 0.0, discordant))


def _check_design(questions: int, discordant: float, effect: float, alpha: float) -> None:
    """Refuse a design that no run can have."""
    if questions < 1:
        raise EvalError(f"questions must be at least 1, got {questions!r}")
    if not effect > 0:
        raise EvalError(f"design_effect must be positive, got {effect!r}")
    for name, value in (("discordant", discordant), ("alpha", alpha)):
        if not 0 < value <= 1:
            raise EvalError(f"{name} must be in (0, 1], got {value!r}")
