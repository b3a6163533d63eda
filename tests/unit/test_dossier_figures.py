"""What stands behind the drawings: ticks, visible steps, digits, names, and words for nothing."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dossier_fixture import make_dossier

from iago.dossier.figures.levels import MAXIMUM_TOGETHER, levels_in
from iago.dossier.figures.scales import axis_reach, day_ticks, log_ticks, nice_ticks, thin_steps
from iago.dossier.figures.stacked_bars import NO_EPISODE, bar_words
from iago.dossier.number_format import Style, format_interval, format_number
from iago.dossier.released import is_suppressed
from iago.dossier.wording import (
    label_code,
    level_key,
    level_label,
    sentence_case,
    shorten_middle,
    stratum_label,
    window_label,
)

shares = st.floats(min_value=0.0, max_value=1.0)


@given(st.lists(shares, min_size=1, max_size=60), st.floats(min_value=0.0, max_value=0.2))
def test_thinned_steps_never_leave_the_curve(values: list[float], tolerance: float) -> None:
    """On every day the thinned curve is within the tolerance, and it ends where the curve ends."""
    points = [(float(day), value) for day, value in enumerate(values)]
    kept = thin_steps(points, tolerance)
    for day, value in points:
        drawn = [other for kept_day, other in kept if kept_day <= day][-1]
        assert abs(drawn - value) <= tolerance
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]


def test_a_flat_curve_needs_two_points() -> None:
    """Days without a change are not drawn."""
    assert len(thin_steps([(float(day), 0.5, 0.4) for day in range(366)], 0.0)) == 2


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_ticks_reach_the_maximum_in_even_steps(maximum: float) -> None:
    """From zero to at least the maximum, in few even steps."""
    ticks = nice_ticks(maximum)
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    assert ticks[0] == 0
    assert ticks[-1] >= maximum * (1 - 1e-6)
    assert 2 <= len(ticks) <= 7
    assert all(math.isclose(step, steps[0], rel_tol=1e-4) for step in steps)


@pytest.mark.parametrize("maximum", [0.0, math.nan, math.inf])
def test_ticks_of_nothing_are_those_of_one(maximum: float) -> None:
    """Where there is no maximum there still is an axis."""
    assert nice_ticks(maximum)[-1] == 1.0


@given(st.floats(min_value=1e-3, max_value=1e3), st.floats(min_value=1.0, max_value=1e3))
def test_log_ticks_span_the_values_and_one(lowest: float, factor: float) -> None:
    """The axis of ratios holds every value and always the line of no difference."""
    ticks = log_ticks(lowest, lowest * factor)
    assert ticks[0] <= lowest * 1.001
    assert ticks[-1] >= lowest * factor * 0.999
    assert 1.0 in ticks
    assert len(ticks) <= 60


@pytest.mark.parametrize("last_day", [0, 1, 20, 28, 90, 365, 730, 5475])
@pytest.mark.parametrize("width", [250, 600])
def test_days_on_the_axis_do_not_touch(last_day: int, width: int) -> None:
    """First and last day are always there, and labels keep their distance."""
    ticks = day_ticks(last_day, width)
    gaps = [
        (after - before) / max(last_day, 1) * width for before, after in itertools.pairwise(ticks)
    ]
    assert ticks[0] == 0
    assert ticks[-1] == last_day
    assert all(gap >= 44 for gap in gaps)


def test_one_wide_interval_does_not_squeeze_the_others() -> None:
    """The axis ends near the estimates, or at the middle limit where nothing happened."""
    assert axis_reach([0.4, 0.5], [0.6, 40.0]) == 1.25
    assert axis_reach([0.4, 0.5], [0.6, 0.7]) == 0.7
    assert axis_reach([0.0, 0.0, 0.0], [0.1, 0.2, 90.0]) == pytest.approx(0.6)
    assert axis_reach([], []) == 1.0


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (3350, "count", "3\u202f350"),
        (1_012_334.0, "count", "1\u202f012\u202f334"),
        (0.1234, "percent", "12.3%"),
        (0.0002, "percent", "<0.1%"),
        (0.0, "percent", "0.0%"),
        (0.9999, "percent", ">99.9%"),
        (1.0, "percent", "100.0%"),
        (0.434, "rate", "0.43"),
        (0.0031, "rate", "0.003"),
        (0.00002, "rate", "<0.0001"),
        (0.0, "rate", "0.00"),
        (-0.3, "rate", "\u22120.30"),
        (63.0, "plain", "63"),
        (63.52, "plain", "63.5"),
        (None, "rate", "\u2013"),
        (math.nan, "count", "\u2013"),
        (True, "count", "\u2013"),
    ],
)
def test_numbers_have_sensible_digits(value: Any, style: Style, text: str) -> None:
    """Two decimals for rates, one for percent, thin spaces in thousands, no small value as 0."""
    assert format_number(value, style) == text


@pytest.mark.parametrize(
    ("values", "style", "text"),
    [
        ((0.43, 0.4, 0.46), "rate", "0.43 (0.40 to 0.46)"),
        ((0.22, 0.206, 0.234), "percent", "22.0 (20.6 to 23.4)"),
        ((0.43, None, None), "rate", "0.43 (no interval)"),
        ((0.43, None, 0.46), "rate", "0.43 (no limit to 0.46)"),
        ((None, 0.1, 0.2), "rate", "not estimable"),
        ((math.nan, math.nan, math.nan), "ratio", "not estimable"),
    ],
)
def test_intervals_read_as_words(values: tuple[Any, ...], style: Style, text: str) -> None:
    """An estimate stands with its limits, and what is missing is named."""
    estimate, lower, upper = values
    assert format_interval(estimate, lower, upper, style) == text


def test_an_empty_bar_tells_zero_from_suppressed() -> None:
    """No episode, a withheld number and an unknown number are three different things."""
    assert bar_words([{"episodes": 0}, {"episodes": 0}]) == ("0", NO_EPISODE)
    assert bar_words([{"episodes": None, "suppressed": True}])[1] == "suppressed"
    assert bar_words([{"episodes": 3}, {"episodes": None}])[1] == "not known"
    assert bar_words([{"episodes": 1200}, {"episodes": 34}])[0] == "1\u202f234"


@pytest.mark.parametrize(
    ("mark", "hidden"),
    [(True, True), ("true", True), ("secondary", True), (False, False), ("", False), (None, False)],
)
def test_any_mark_but_a_clear_no_is_a_suppression(mark: object, hidden: bool) -> None:
    """What is not plainly released is withheld."""
    assert is_suppressed({"suppressed": mark}) is hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("axi-cel", "axi-cel"),
        ("axi-cel vs tisa-cel", "axi-cel vs tisa-cel"),
        ("follow-up known", "Follow-up known"),
        ("life-threatening", "Life-threatening"),
        ("share known", "Share known"),
    ],
)
def test_codes_keep_their_spelling_at_the_start_of_a_cell(text: str, shown: str) -> None:
    """Words get a capital, product codes do not."""
    assert sentence_case(text) == shown


@pytest.mark.parametrize(
    ("code", "kind", "label"),
    [
        ("viral", "organism_class", "Viral"),
        ("relapse-progression", "cause", "Relapse or progression of the treated disease"),
        ("local:our-drug", "exposure_class", "our-drug"),
        ("age_years", "", "age, years"),
        ("igg_below_400", "", "IgG below 400"),
        (None, "", "not recorded"),
        ("off-indicated", "status", "off though indicated"),
    ],
)
def test_codes_are_put_into_words(code: object, kind: str, label: str) -> None:
    """The label of the code list where there is one, else the code in words."""
    assert label_code(code, kind) == label


def test_windows_and_strata_are_put_into_words() -> None:
    """A reader sees days and names, not the spelling of the table."""
    assert window_label("31-100") == "Day 31\u2013100"
    assert window_label("all") == "Whole time at risk"
    assert stratum_label("organism_class=viral") == "Organism class: Viral"
    assert stratum_label("all") == "All episodes"


def test_long_names_of_groups_give_way_to_codes_that_the_page_explains() -> None:
    """A label that does not fit beside a plot stands in the definition instead."""
    label = "Axicabtagene ciloleucel (Yescarta)"
    dossier = make_dossier(level_labels={"axi-cel": label, "tisa-cel": "Tisagenlecleucel"})
    assert level_label(dossier, "axi-cel") == "axi-cel"
    assert level_label(dossier, "tisa-cel") == "Tisagenlecleucel"
    assert level_key(dossier) == f"axi-cel: {label}"


def test_names_are_cut_in_the_middle() -> None:
    """Names that differ at their end stay different, and none is longer than its room."""
    names = [f"University hospital number {number}" for number in (1, 12)]
    short = [shorten_middle(name, 20) for name in names]
    assert len(set(short)) == 2
    assert all(len(name) <= 20 for name in short)
    assert shorten_middle("axi-cel", 20) == "axi-cel"


def test_groups_drawn_together_differ_in_colour_line_and_mark() -> None:
    """No two groups of one plot share a look, with or without colour."""
    codes = tuple(f"g{number}" for number in range(MAXIMUM_TOGETHER))
    dossier = replace(make_dossier(), levels=codes, level_labels={})
    levels = levels_in([{"level": code} for code in codes], dossier)
    for look in ("colour", "dash", "shape"):
        assert len({getattr(level, look) for level in levels}) == MAXIMUM_TOGETHER
