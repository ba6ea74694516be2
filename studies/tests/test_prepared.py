"""Queries that are turned into SQL once."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import F
from django.db.transaction import TransactionManagementError, atomic
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Study
from studies.prepared import PreparationError, Prepared
from studies.services import assignments_draw

OF_ANNOTATOR = Prepared(
    lambda participation, state: (
        Assignment.objects.select_related("trial__pair__image")
        .filter(participation=participation, state=state)
        .only("token", "side", "expires_at", "trial__trial_type", "trial__pair__image__name")
        .order_by("position")
    ),
    participation=int,
    state=str,
)


@pytest.fixture
def drawn(participation: Participation) -> list[Assignment]:
    return assignments_draw(participation=participation, count=5)


def test_instances_are_those_of_the_queryset(
    participation: Participation, drawn: list[Assignment], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        with django_assert_num_queries(1):
            found = OF_ANNOTATOR.all(participation=participation.pk, state="live")
            shown = [(row.pk, row.token, row.trial.trial_type, row.trial.pair.image.name) for row in found]
        expected = OF_ANNOTATOR.build(participation.pk, "live")
        assert shown == [(row.pk, row.token, row.trial.trial_type, row.trial.pair.image.name) for row in expected]
        assert len(shown) >= len(drawn)


def test_values_are_put_in_anew_each_time(participation: Participation, drawn: list[Assignment]) -> None:
    assert OF_ANNOTATOR.all(participation=participation.pk, state="live")
    assert OF_ANNOTATOR.all(participation=participation.pk, state="answered") == []
    assert OF_ANNOTATOR.all(participation=participation.pk + 1, state="live") == []


def test_values_are_never_part_of_the_sql(participation: Participation, drawn: list[Assignment]) -> None:
    attack = "live' OR '1' = '1"
    assert OF_ANNOTATOR.all(participation=participation.pk, state=attack) == []


def test_columns_are_converted_as_by_the_queryset(participation: Participation, drawn: list[Assignment]) -> None:
    found = OF_ANNOTATOR.first(participation=participation.pk, state="live")
    assert found is not None
    assert found.expires_at == drawn[0].expires_at
    assert found.expires_at > datetime(2020, 1, 1, tzinfo=UTC)


def test_an_instance_can_be_changed_and_saved(participation: Participation, drawn: list[Assignment]) -> None:
    found = OF_ANNOTATOR.first(participation=participation.pk, state="live")
    assert found is not None
    found.side = Assignment.Side.RIGHT if found.side == "left" else Assignment.Side.LEFT
    found.save(update_fields=["side"])
    assert Assignment.objects.get(pk=found.pk).side == found.side
    assert Assignment.objects.count() == len(OF_ANNOTATOR.all(participation=participation.pk, state="live"))


def test_tuples_of_values_list_are_converted_too(participation: Participation, drawn: list[Assignment]) -> None:
    places = Prepared(
        lambda participation: (
            Assignment.objects.filter(participation=participation)
            .order_by("position")
            .values_list("token", "expires_at")[:2]
        ),
        participation=int,
    )
    expected = [(assignment.token, assignment.expires_at) for assignment in drawn[:2]]
    assert places.all(participation=participation.pk) == expected


def test_the_same_value_may_be_used_twice(participation: Participation) -> None:
    either = Prepared(
        lambda number: Participation.objects.filter(pk=number) | Participation.objects.filter(study=number),
        number=int,
    )
    with CaptureQueriesContext(connection):
        assert either.all(number=participation.pk) == [participation]


def test_first_of_nothing_is_none(db: None) -> None:
    assert OF_ANNOTATOR.first(participation=1, state="live") is None


@pytest.mark.parametrize("values", [{}, {"participation": 1}, {"participation": 1, "state": "live", "other": 2}])
def test_missing_and_unknown_values_are_named(db: None, values: dict[str, int | str]) -> None:
    with pytest.raises(PreparationError, match="the values are participation, state"):
        OF_ANNOTATOR.all(**values)


@pytest.mark.parametrize("value", ["1", True, 1.0, None])
def test_a_value_of_another_kind_is_refused(db: None, value: object) -> None:
    with pytest.raises(PreparationError, match=r"participation: .* is no int"):
        OF_ANNOTATOR.all(participation=value, state="live")  # type: ignore[arg-type]


def test_a_value_that_the_query_does_not_use_is_refused(db: None) -> None:
    unused = Prepared(lambda slug: Study.objects.all(), slug=str)
    with pytest.raises(PreparationError, match="no use for slug"):
        unused.all(slug="tiny")


def test_rows_of_other_kinds_are_refused(db: None) -> None:
    annotated = Prepared(lambda slug: Study.objects.filter(slug=slug).annotate(twice=F("seed") * 2), slug=str)
    with pytest.raises(PreparationError, match="only model instances"):
        annotated.all(slug="tiny")
    named = Prepared(lambda slug: Study.objects.filter(slug=slug).values("slug"), slug=str)
    with pytest.raises(PreparationError, match="only model instances"):
        named.all(slug="tiny")


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only() -> None:
    locked = Prepared(lambda slug: Study.objects.select_for_update().filter(slug=slug), slug=str)
    with atomic():
        assert locked.all(slug="none") == []
    with pytest.raises(TransactionManagementError):
        locked.all(slug="none")
