"""Intervals, paired tests and power: statsmodels' and scipy's values, and properties."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from reelgraph.errors import EvalError
from reelgraph.eval import power, stats

Json = Any
EXACT = 1e-9


@pytest.fixture(scope="module")
def golden(data_dir: Path) -> Json:
    return json.loads((data_dir / "metrics_golden" / "paired_stats" / "cases.json").read_text())


def _rows(case: Json) -> tuple[list[int], list[int], list[str]]:
    columns = case["rows"]["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in case["rows"]["data"]]
    return (
        [row["with"] for row in rows],
        [row["without"] for row in rows],
        [row["cluster"] for row in rows],
    )


def _check_mcnemar(ours: stats.McNemar, expected: Json) -> None:
    assert ours.both_right == expected["both_right"]
    assert ours.only_first == expected["only_with_right"]
    assert ours.only_second == expected["only_without_right"]
    assert ours.both_wrong == expected["both_wrong"]
    assert ours.p_value == pytest.approx(expected["statsmodels_exact"]["pvalue"], abs=EXACT)
    for value, key in (
        (ours.p_value, "scipy_binomtest_two_sided"),
        (ours.p_first_better, "scipy_binomtest_greater"),
        (ours.mid_p, "mid_p_two_sided"),
    ):
        if isinstance(expected.get(key), float):
            assert value == pytest.approx(expected[key], abs=EXACT)


def test_mcnemar_is_that_of_statsmodels_and_scipy(golden: Json) -> None:
    for table in golden["mcnemar_tables"]:
        counts = (
            (1, 1, table["both_right"]),
            (1, 0, table["only_with_right"]),
            (0, 1, table["only_without_right"]),
            (0, 0, table["both_wrong"]),
        )
        first = [a for a, _, count in counts for _ in range(count)]
        second = [b for _, b, count in counts for _ in range(count)]
        _check_mcnemar(stats.mcnemar(first, second), table)


def test_differences_have_the_reference_errors_and_tests(golden: Json) -> None:
    for case in golden["cases"]:
        first, second, clusters = _rows(case)
        ours = stats.difference(first, second, clusters)
        expected = case["expected"]["paired_cluster"]
        _check_mcnemar(ours.mcnemar, case["expected"]["mcnemar"])
        assert ours.first == pytest.approx(expected["accuracy_with"], abs=EXACT)
        assert ours.second == pytest.approx(expected["accuracy_without"], abs=EXACT)
        assert ours.estimate.value == pytest.approx(expected["difference"], abs=EXACT)
        assert ours.estimate.questions == expected["n_questions"]
        assert ours.estimate.clusters == expected["n_clusters"]
        if ours.estimate.clusters == 1:
            continue
        error = ours.estimate.standard_error
        assert error == pytest.approx(expected["se_cluster_cr1"], abs=EXACT)
        line = expected["ols_cluster_corrected"]
        assert (ours.estimate.t_low, ours.estimate.t_high) == pytest.approx(
            tuple(line["ci95_t"]), abs=EXACT
        )
        if line["pvalue_t"] != "nan":
            assert ours.t_p == pytest.approx(line["pvalue_t"], abs=EXACT)
        if "cluster_sign_flip_exact_p" in expected:
            assert ours.sign_flip_p == pytest.approx(
                expected["cluster_sign_flip_exact_p"], abs=EXACT
            )


def test_bootstrap_intervals_are_the_reference_ones(golden: Json) -> None:
    for case in golden["cases"]:
        first, second, clusters = _rows(case)
        expected = case["expected"]["paired_cluster"]
        if expected["n_clusters"] == 1:
            continue
        ours = stats.difference(first, second, clusters).estimate
        if "bootstrap_exact_enumeration" in expected:
            wanted = expected["bootstrap_exact_enumeration"]["percentile_ci95"]
            assert (ours.low, ours.high) == pytest.approx(tuple(wanted), abs=EXACT)
        found = expected["bootstrap_cluster"]
        (name,) = [key for key in found if key.startswith("percentile_sd_for_")]
        scale = math.sqrt(int(name.split("_")[3]) / 10_000)
        step = 1 / len(first)
        for value, wanted, spread in zip(
            (ours.low, ours.high), found["percentile_ci95"], found[name], strict=True
        ):
            assert value == pytest.approx(wanted, abs=4 * spread * scale + step)


def test_p_values_are_adjusted_as_statsmodels_does(golden: Json) -> None:
    for family in golden["multiple_testing"]:
        for adjust, key in ((stats.adjust_holm, "holm"), (stats.adjust_bh, "fdr_bh")):
            ours = adjust(family["pvalues"])
            assert ours == pytest.approx(family[key]["adjusted"], abs=EXACT)
            assert [p <= 0.05 for p in ours] == family[key]["reject"]


# --- edge cases ----------------------------------------------------------------------------------


def test_one_video_says_nothing_of_others() -> None:
    found = stats.difference([1, 1, 0], [0, 1, 0], ["v"] * 3)
    assert found.estimate.value == pytest.approx(1 / 3)
    unknown = (found.estimate.low, found.estimate.standard_error, found.t_p, found.sign_flip_p)
    assert all(map(math.isnan, unknown))


@pytest.mark.parametrize(("right", "low", "high"), [(0, 0, 0.3085), (1, 0.6915, 1)])
def test_ten_videos_that_agree_leave_doubt(right: int, low: float, high: float) -> None:
    found = stats.accuracy([right] * 20, [*range(10)] * 2)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert proportion_ci(10 * right, 10) == pytest.approx((low, high), abs=1e-4)


def test_equal_arms_differ_by_nothing() -> None:
    found = stats.difference([1, 0, 1], [1, 0, 1], "abc")
    assert (found.mcnemar.p_value, found.estimate.low, found.estimate.high) == (1, 0, 0)


def test_gains_in_one_video_alone_do_not_convince() -> None:
    first = [1] * 9 + [0] * 10
    clusters = ["a"] * 9 + ["b"] * 4 + ["c"] * 3 + ["d"] * 3
    found = stats.difference(first, [0] * 19, clusters)
    assert found.mcnemar.p_value < 0.01
    assert found.sign_flip_p == 1


def test_groups_are_compared_apart_and_adjusted() -> None:
    first, second = [1] * 12, [0] * 6 + [1] * 6
    clusters = [*"abcdef"] * 2
    by_name = {
        item.group: item
        for item in stats.differences_by_group(first, second, clusters, ["gain"] * 6 + ["same"] * 6)
    }
    assert by_name["gain"].difference.estimate.value == 1
    assert by_name["gain"].difference.mcnemar.p_value == 2 / 64
    assert by_name["gain"].holm_p == 4 / 64
    assert by_name["same"].holm_p == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stats.accuracy([], []), "no questions"),
        (lambda: stats.accuracy([1], ["a", "b"]), "1 values but 2 clusters"),
        (lambda: stats.mcnemar([1], [1, 0]), "same questions"),
        (lambda: stats.differences_by_group([1], [0], ["v"], []), "1 questions but 0 groups"),
        (lambda: power.power_of_difference(0.4, 100, discordant=0.3), "discordant=0.3"),
        (lambda: power.minimum_detectable_difference(0), "at least 1"),
        (lambda: power.minimum_detectable_difference(9, design_effect=0), "must be positive"),
        (lambda: power.minimum_detectable_difference(9, discordant=0), "in \\(0, 1\\]"),
        (lambda: power.minimum_detectable_difference(9, power=1.0), "power must be"),
    ],
    ids=[
        "no questions", "clusters", "pairs", "groups", "difference",
        "size", "effect", "discordant", "power",
    ],
)  # fmt: skip
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(EvalError, match=message):
        call()


# --- power ---------------------------------------------------------------------------------------


def proportion_ci(count: int, size: int) -> tuple[float, float]:
    """Return scipy's exact interval of a proportion."""
    found = binomtest(count, size).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def _exact_power(delta: float, questions: int, discordant: float) -> float:
    """Return the power of exact McNemar by going through every number of discordant pairs."""
    total = 0.0
    for count in range(questions + 1):
        wins = np.arange(count + 1)
        tails = binom.cdf(np.minimum(wins, count - wins), count, 0.5)
        share = binom.pmf(wins, count, (discordant + delta) / (2 * discordant))
        total += binom.pmf(count, questions, discordant) * float(share[2 * tails <= 0.05].sum())
    return total


@pytest.mark.parametrize(("delta", "questions"), [(0.05, 600), (0.1, 200), (0.15, 150)])
def test_power_is_near_that_of_the_exact_test(delta: float, questions: int) -> None:
    ours = power.power_of_difference(delta, questions, discordant=0.3)
    assert ours == pytest.approx(_exact_power(delta, questions, 0.3), abs=0.05)


def test_a_pilot_says_how_much_clustering_costs() -> None:
    alike = stats.design_effect([1, 1, 0, 0] * 10, [i // 2 for i in range(40)])
    assert alike == pytest.approx(2, rel=0.1)
    assert math.isnan(stats.design_effect([1, 1], "ab"))


def test_too_few_questions_detect_nothing() -> None:
    assert math.isnan(power.minimum_detectable_difference(10, discordant=0.1))


@given(questions=st.integers(100, 5000), discordant=st.floats(0.2, 1))
def test_the_detectable_difference_has_the_power_asked_for(
    questions: int, discordant: float
) -> None:
    found = power.minimum_detectable_difference(questions, discordant=discordant)
    found_power = power.power_of_difference(found, questions, discordant=discordant)
    assert found_power == pytest.approx(0.8, abs=1e-6)
    assert found > power.minimum_detectable_difference(2 * questions, discordant=discordant)


# --- properties ----------------------------------------------------------------------------------

answers = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from("abcdefgh")), min_size=2, max_size=30
)


@given(rows=answers, data=st.data())
def test_order_is_irrelevant_and_exchange_negates(
    rows: list[tuple[bool, bool, str]], data: st.DataObject
) -> None:
    def compare(rows: list[tuple[bool, bool, str]], sign: int) -> tuple[float, ...]:
        first, second, clusters = zip(*rows, strict=True)
        pair = (first, second) if sign > 0 else (second, first)
        found = stats.difference(*pair, clusters)
        exact = (found.estimate.standard_error, found.mcnemar.p_value, found.sign_flip_p)
        return (sign * found.estimate.value, *exact)

    before = compare(rows, 1)
    assert before == pytest.approx(compare(data.draw(st.permutations(rows)), 1), nan_ok=True)
    assert before == pytest.approx(compare(rows, -1), nan_ok=True)


@given(rows=answers)
def test_intervals_hold_the_value_and_stay_in_bounds(rows: list[tuple[bool, bool, str]]) -> None:
    first, _, clusters = zip(*rows, strict=True)
    found = stats.accuracy(first, clusters)
    if found.clusters == 1:
        assert math.isnan(found.low)
    else:
        assert -1e-12 <= found.low <= found.high <= 1 + 1e-12


@given(p_values=st.lists(st.floats(0, 1), max_size=8))
def test_adjusting_only_raises_p_values_and_keeps_their_order(p_values: list[float]) -> None:
    for adjust in (stats.adjust_holm, stats.adjust_bh):
        ours = adjust(p_values)
        assert all(p - 1e-12 <= q <= 1 for p, q in zip(p_values, ours, strict=True))
        order = np.argsort(p_values, kind="stable")
        assert np.all(np.diff(np.array(ours)[order]) >= -1e-12)
