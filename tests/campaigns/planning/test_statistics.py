"""The statistics of A/B tests against published figures, and against counting by simulation."""

from itertools import pairwise
from math import comb
from random import Random

import pytest

from campaigns.planning.statistics import (
    Share,
    difference,
    holm,
    judge,
    messages_needed,
    p_value,
    wilson,
)


def test_the_interval_of_a_difference_is_newcombes_published_one() -> None:
    """Newcombe 1998, table II, contrast (a): 56/70 - 48/80, method 10."""
    low, high = difference(Share(70, 56), Share(80, 48))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_the_interval_holds_where_nothing_happened() -> None:
    """Newcombe 1998, contrast (e): 5/56 - 0/29."""
    low, high = difference(Share(56, 5), Share(29, 0))
    assert (round(low, 4), round(high, 4)) == (-0.0381, 0.1926)


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998 (single proportions), method 3: 81/263 and 0/20."""
    assert [round(each, 4) for each in wilson(Share(263, 81))] == [0.2553, 0.3662]
    low, high = wilson(Share(20, 0))
    assert low == pytest.approx(0, abs=1e-12)
    assert round(high, 4) == 0.1611


def test_the_p_value_is_that_of_the_chi_squared_test() -> None:
    """The square of z is chi squared: 2x2 without continuity correction, by its own formula."""
    a, b, c, d = 56, 14, 48, 32
    n = a + b + c + d
    chi2 = n * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert round(chi2, 3) == 7.023
    # The 0.99 quantile of chi squared with one degree of freedom is 6.635, the 0.995 one 7.879.
    assert 0.005 < p_value(Share(70, 56), Share(80, 48)) < 0.01


def test_the_p_value_agrees_with_fishers_exact_one_on_large_numbers() -> None:
    one, other = Share(2000, 240), Share(2000, 190)
    events, each = one.events + other.events, one.messages
    ways = [comb(each, k) * comb(each, events - k) for k in range(events + 1)]
    whole = sum(ways)
    exact = sum(way for way in ways if way <= ways[one.events]) / whole
    assert p_value(one, other) == pytest.approx(exact, rel=0.15)


def test_holms_adjustment_is_the_textbooks() -> None:
    """Holm 1979 as R's p.adjust does it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_sample_needed_is_the_textbooks() -> None:
    """Fleiss 1981 without continuity correction; R: power.prop.test(p1=.1, p2=.15, power=.8)."""
    assert messages_needed(0.10, 0.15) == 686
    assert messages_needed(0.15, 0.10) == 686
    assert messages_needed(0.50, 0.60) == 388
    several = [messages_needed(0.10, 0.15, comparisons=count) for count in (1, 3, 6)]
    assert all(less < more for less, more in pairwise(several))


def test_without_a_difference_the_first_variant_goes_on() -> None:
    judged = judge({0: Share(1000, 100), 1: Share(1000, 112)})
    assert (judged.chosen, judged.outcome) == (0, "no_difference")
    assert judged.pairs[0].low < 0 < judged.pairs[0].high


def test_a_shown_difference_wins_and_fewest_turns_it_round() -> None:
    shares = {0: Share(1000, 100), 1: Share(1000, 160)}
    assert (judge(shares).chosen, judge(shares).outcome) == (1, "winner")
    assert (judge(shares, fewest=True).chosen, judge(shares, fewest=True).outcome) == (0, "winner")


def test_a_first_variant_that_was_shown_to_be_worse_does_not_go_on() -> None:
    judged = judge({0: Share(1000, 60), 1: Share(1000, 120), 2: Share(1000, 125)})
    assert (judged.chosen, judged.outcome) == (1, "ruled_out")


@pytest.mark.parametrize(
    "shares",
    [
        {0: Share(99, 40), 1: Share(5000, 10)},
        {0: Share(1000, 1), 1: Share(1000, 4)},
        {0: Share(1000, 999), 1: Share(1000, 997)},
        {0: Share(0, 0), 1: Share(0, 0)},
    ],
)
def test_too_few_messages_or_events_are_no_result(shares: dict[int, Share]) -> None:
    judged = judge(shares)
    assert (judged.chosen, judged.outcome, judged.pairs) == (0, "too_few", ())


def test_four_variants_that_are_equal_name_a_winner_in_at_most_one_test_of_twenty() -> None:
    draw = Random(20261124)  # a simulation

    def equal() -> dict[int, Share]:
        return {
            variant: Share(400, sum(draw.random() < 0.1 for _ in range(400)))
            for variant in range(4)
        }

    wrong = sum(judge(equal()).outcome in ("winner", "ruled_out") for _ in range(400))
    # 5 % of 400 is 20; three standard deviations more are 33.
    assert wrong <= 33


def test_a_true_difference_is_shown_as_often_as_the_suggested_sample_says() -> None:
    draw = Random(7)  # a simulation
    size = messages_needed(0.10, 0.15)

    def share(rate: float) -> Share:
        return Share(size, sum(draw.random() < rate for _ in range(size)))

    shown = sum(judge({0: share(0.10), 1: share(0.15)}).outcome == "winner" for _ in range(200))
    # Four of five: 160 of 200, and three standard deviations (17) to either side.
    assert 143 <= shown <= 177
