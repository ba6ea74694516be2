"""The quality rules on answers that one can check by hand, and at their boundaries."""

from typing import Any, get_args

import pytest

from studies.protocol.spec import QualityRule
from studies.quality import RULES, breach_of, is_out_of_reach
from studies.quality.observed import Answer, Session, absences_of


def rule(name: str, limit: float = 0.0, **options: Any) -> QualityRule:
    return QualityRule.model_validate({"rule": name, "limit": limit, **options})


def catch(choice: str, expected: str = "finetuned") -> Answer:
    return Answer("catch", "left", choice, 1000.0, expected=expected)


def repeat(choice: str, earlier: str | None) -> Answer:
    return Answer("repeat", "left", choice, 1000.0, earlier=earlier)


def main(given: str = "left", rt_ms: float = 1000.0, choice: str | None = None, absences: int = 0) -> Answer:
    choices = {"left": "finetuned", "right": "original"}
    return Answer("main", given, choice or choices.get(given, given), rt_ms, absences=absences)


def value(name: str, *answers: Answer, seconds: float = 0.0, **options: Any) -> tuple[float, int] | None:
    """Return value and observations."""
    return RULES[name].measure(Session(answers, seconds), rule(name, **options))


def test_every_rule_of_the_protocol_is_known() -> None:
    assert set(RULES) == set(get_args(QualityRule.model_fields["rule"].annotation))


@pytest.mark.parametrize("name", RULES)
def test_no_rule_has_a_value_without_observations(name: str) -> None:
    assert value(name) is None
    assert breach_of(rule(name, 1.0), Session(()), is_whole=True) is None


def test_catch_accuracy_is_the_share_of_catch_trials_that_are_right() -> None:
    answers = [catch("finetuned"), main(), catch("original"), catch("neither"), catch("finetuned")]
    assert value("catch_accuracy", *answers) == (0.5, 4)


def test_a_catch_trial_that_ran_out_of_time_is_not_right() -> None:
    assert value("catch_accuracy", catch("timeout"), catch("finetuned")) == (0.5, 2)


def test_where_neither_is_expected_every_answer_without_a_preference_is_right() -> None:
    answers = [catch(choice, "neither") for choice in ("neither", "equal", "both_bad", "original", "timeout")]
    assert value("catch_accuracy", *answers) == (0.6, 5)


def test_repeat_consistency_compares_what_was_meant_not_the_side() -> None:
    answers = [main(), repeat("finetuned", "finetuned"), repeat("original", "finetuned"), repeat("neither", "neither")]
    answers.append(repeat("original", "original"))
    assert value("repeat_consistency", *answers) == (0.75, 4)


def test_repeats_without_two_answers_in_time_do_not_count() -> None:
    late = Answer("repeat", "timeout", "timeout", 5000.0, earlier="finetuned")
    answers = [repeat("finetuned", None), repeat("finetuned", "timeout"), late]
    assert value("repeat_consistency", *answers) is None


def test_total_seconds_is_the_time_of_the_whole_session() -> None:
    assert value("total_seconds", main(), main(), seconds=81.5) == (81.5, 2)


def test_the_median_reaction_time_leaves_out_what_came_too_late() -> None:
    answers = [main(rt_ms=400), main(rt_ms=900), main(rt_ms=1000), main("timeout", 9000), main(rt_ms=1100)]
    assert value("median_rt_ms", *answers) == (950, 4)


def test_the_fast_share_counts_what_is_below_its_limit_of_time() -> None:
    answers = [main(rt_ms=249.9), main(rt_ms=250), main(rt_ms=300), main(rt_ms=5000)]
    assert value("fast_share", *answers, fast_ms=250) == (0.25, 4)


def test_the_longest_run_is_of_one_slot_whatever_it_stands_for() -> None:
    answers = [main("left"), main("right"), catch("original"), main("left", choice="original"), main("left")]
    assert value("longest_run", *answers) == (3, 5)


def test_an_answer_that_came_too_late_ends_a_run_and_is_none() -> None:
    answers = [main("left"), main("timeout"), main("timeout"), main("timeout"), main("left"), main("left")]
    assert value("longest_run", *answers) == (2, 3)


def test_the_share_of_neither_counts_all_answers_without_a_preference_but_those_to_catch_trials() -> None:
    answers = [main("neither"), main("equal"), repeat("both_bad", "both_bad"), main("left"), catch("neither")]
    assert value("neither_share", *answers) == (0.75, 4)


def test_focus_lost_adds_up_the_absences() -> None:
    assert value("focus_lost", main(absences=2), main(), catch("original"), main(absences=1)) == (3, 4)


@pytest.mark.parametrize(
    ("timing", "absences"),
    [
        ({"hidden": 1, "blurred": 1}, 1),
        ({"hidden": 0, "blurred": 3}, 3),
        ({"hidden": 2}, 2),
        ({}, 0),
        ({"hidden": "many", "blurred": [1]}, 0),
        ({"hidden": True, "blurred": 1e300}, 0),
        ({"hidden": -5}, 0),
    ],
)
def test_a_change_of_tab_is_one_absence_and_nonsense_is_none(timing: dict[str, Any], absences: int) -> None:
    assert absences_of(timing) == absences


@pytest.mark.parametrize(
    ("limit", "is_breached"),
    [(0.74, False), (0.75, False), (0.76, True)],
)
def test_a_least_value_may_be_on_its_limit(limit: float, is_breached: bool) -> None:
    session = Session((catch("finetuned"), catch("finetuned"), catch("finetuned"), catch("original")))
    assert (breach_of(rule("catch_accuracy", limit), session, is_whole=True) is not None) == is_breached


@pytest.mark.parametrize(("limit", "is_breached"), [(2, True), (3, False), (4, False)])
def test_a_most_value_may_be_on_its_limit(limit: float, is_breached: bool) -> None:
    session = Session((main(), main(), main()))
    assert (breach_of(rule("longest_run", limit), session, is_whole=True) is not None) == is_breached


@pytest.mark.parametrize(("number", "is_breached"), [(4, False), (5, True)])
def test_a_rule_is_looked_at_from_its_number_of_observations_on(number: int, is_breached: bool) -> None:
    session = Session((main(rt_ms=100),) * number)
    found = breach_of(rule("fast_share", 0.5, after=5), session, is_whole=False)
    assert (found is not None) == is_breached


def test_observations_are_those_of_the_rule_not_all_answers() -> None:
    session = Session((main(), main(), main(), catch("original")))
    assert breach_of(rule("catch_accuracy", 0.9, after=2), session, is_whole=True) is None


def test_the_time_of_the_session_is_judged_at_its_end_alone() -> None:
    session = Session((main(),), seconds=3)
    assert breach_of(rule("total_seconds", 60), session, is_whole=False) is None
    assert breach_of(rule("total_seconds", 60), session, is_whole=True) == (3, 1)


@pytest.mark.parametrize(
    ("wrong", "right", "is_lost"),
    # Of 10, with 0.8 to be reached: two may be wrong.
    [(2, 0, False), (3, 0, True), (3, 7, True), (2, 8, False), (0, 0, False)],
)
def test_the_catch_accuracy_is_out_of_reach_once_too_many_are_wrong(wrong: int, right: int, is_lost: bool) -> None:
    session = Session((catch("original"),) * wrong + (catch("finetuned"),) * right)
    assert is_out_of_reach(rule("catch_accuracy", 0.8), session, 10) == is_lost


def test_the_catch_accuracy_is_not_given_up_before_its_number_of_observations() -> None:
    session = Session((catch("original"),) * 3)
    assert not is_out_of_reach(rule("catch_accuracy", 0.8, after=4), session, 10)


def test_more_catch_trials_than_planned_do_not_raise_the_hope() -> None:
    session = Session((catch("original"),) + (catch("finetuned"),) * 4)
    assert not is_out_of_reach(rule("catch_accuracy", 0.8), session, 3)
    assert is_out_of_reach(rule("catch_accuracy", 0.81), session, 3)
