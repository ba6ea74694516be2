"""Numbers and names as the dashboard writes them."""

from datetime import timedelta
from typing import get_args

import pytest
from django.utils import translation

from studies.dashboard.reaction_chart import Mark, reaction_chart
from studies.models import Assignment, Participation, Response
from studies.protocol.spec import QualityRule
from studies.services.plausibility import FLAGS
from studies.templatetags.dashboard import NAMES, because, detail, duration, milliseconds, name, plain


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0, "0 ms"),
        (999.4, "999 ms"),
        (1000, "1.0 s"),
        (59_940, "59.9 s"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
    ],
)
def test_reaction_times_are_written_in_the_unit_that_fits(value: float | None, written: str) -> None:
    assert milliseconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (timedelta(), "0 s"),
        (timedelta(seconds=59.6), "1 min"),
        (timedelta(hours=3, seconds=20), "3 h"),
        (timedelta(hours=3, minutes=20, seconds=59), "3 h 20 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
    ],
)
def test_lengths_of_time_have_their_two_largest_units(value: timedelta | None, written: str) -> None:
    assert duration(value) == written


@pytest.mark.parametrize(("value", "written"), [(0.6, "0.6"), (20.0, "20"), (1 / 3, "0.333"), (12345.6, "12345.6")])
def test_limits_have_no_decimals_that_say_nothing(value: float, written: str) -> None:
    assert plain(value) == written


@pytest.mark.parametrize(
    "known",
    [
        *Response.Choice.values,
        *Assignment.Kind.values,
        *Assignment.Side.values,
        *Participation.State.values,
        *Participation.Source.values,
        *get_args(QualityRule.model_fields["rule"].annotation),
        *FLAGS,
    ],
)
def test_every_name_that_is_stored_has_a_word(known: str) -> None:
    assert known in NAMES


def test_an_unknown_name_is_written_with_spaces() -> None:
    assert name("never_seen_before") == "never seen before"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (["A01", "A02"], "A01, A02"),
        (True, "yes"),
        ("failed_checks", "failed checks"),
        ("my words", "my words"),
        (3, "3"),
    ],
)
def test_details_of_the_log_are_written_in_words(value: object, written: str) -> None:
    assert detail(value) == written


def marks(*times: float, kind: str = "main") -> list[Mark]:
    return [Mark(place, rt_ms, kind, False, f"{place}") for place, rt_ms in enumerate(times, start=1)]


def test_a_chart_has_a_mark_for_each_answer_and_a_name() -> None:
    chart = reaction_chart(marks(500, 1500, 4000), median_ms=1500, title='Times of <A01> & "others"', axis="in order")
    assert chart.count("<circle") == 3
    assert 'aria-label="Times of &lt;A01&gt; &amp; &quot;others&quot;"' in chart
    assert "style=" not in chart


def test_kinds_differ_in_shape() -> None:
    shapes = {
        kind: reaction_chart(marks(900, kind=kind), median_ms=900, title="", axis="")
        for kind in ("main", "catch", "repeat")
    }
    assert [
        shape in shapes[kind] for kind, shape in (("main", "<circle"), ("catch", "<polygon"), ("repeat", "<rect"))
    ] == [True] * 3


def test_faster_is_lower() -> None:
    chart = reaction_chart(marks(500, 5000), median_ms=1500, title="", axis="")
    first, second = (float(part.split('"')[0]) for part in chart.split('cy="')[1:])
    assert first > second


@pytest.mark.parametrize("times", [(0.0,), (1e12,), (0.0, 1e12), (300.0,), tuple([1000.0] * 700)])
def test_any_time_finds_its_place_on_the_chart(times: tuple[float, ...]) -> None:
    chart = reaction_chart(marks(*times), median_ms=times[0], title="", axis="")
    places = [float(part.split('"')[0]) for part in chart.split('cy="')[1:]]
    assert len(places) == len(times)
    assert all(0 <= place <= 220 for place in places)


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("fast_share: 0.8349, limit 0.25", "share of fast answers: 0.835, limit 0.25"),
        (
            "median_rt_ms: 1.2e+03, limit 1500; longest_run: 12, limit 9",
            "median time (ms): 1200, limit 1500; longest run of one answer: 12, limit 9",
        ),
        ("too fast: 0.2, limit unknown", "too fast: 0.2, limit unknown"),
        ("fast_share: 0.8, limit 0.2; and they said so", "fast_share: 0.8, limit 0.2; and they said so"),
        ("rule: 1.1.1, limit 2", "rule: 1.1.1, limit 2"),
        ("", ""),
    ],
)
def test_why_somebody_was_left_out_is_told_with_names_of_rules(stored: str, written: str) -> None:
    assert because(stored) == written


def test_why_the_rules_left_somebody_out_is_told_in_the_language_of_the_page() -> None:
    with translation.override("de"):
        assert because("fast_share: 0.8349, limit 0.25") == "Anteil schneller Antworten: 0,835, Grenze 0,25"
