"""manage.py loaddata of a bundle's study.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from studies.models import AnsweredStudyError, Condition, Image, Pair, Participation, Study, Trial
from studies.services import assignments_draw
from studies.tests.bundles import read_fixture_text
from studies.tests.test_drawing import answer

MATERIALS: tuple[type[Model], ...] = (Study, Condition, Image, Pair, Trial)
Change = Callable[[list[dict[str, Any]]], object]


@pytest.fixture
def fixture(tiny_bundle: Path, tmp_path: Path) -> Callable[[Change], str]:
    """Write the tiny study's fixture, changed, and return its path."""

    def write(change: Change) -> str:
        objects, _ = read_fixture_text(tiny_bundle)
        change(objects)
        path = tmp_path / "study.json"
        path.write_text(json.dumps(objects))
        return str(path)

    return write


@pytest.fixture
def answered(participation: Participation) -> Study:
    answer(assignments_draw(participation=participation, count=1)[0])
    return participation.study


def loaddata(path: str) -> None:
    call_command("loaddata", path, verbosity=0)


def update(model: str, **changes: Any) -> Change:
    return lambda objects: next(i for i in objects if i["model"] == f"studies.{model}")["fields"].update(changes)


def another_trial(objects: list[dict[str, Any]]) -> None:
    objects.append({"model": "studies.trial", "fields": {**objects[-1]["fields"], "key": "99999"}})


def contents() -> list[list[dict[str, Any]]]:
    return [list(model._base_manager.order_by("pk").values()) for model in MATERIALS]


CHANGES = [
    (update("study", question="Which one?"), r"studies\.study \['tiny'\]: has another question in the database"),
    (update("study", offer_neither=False), "has another offer_neither"),
    (update("condition", direction="lower"), r"studies\.condition \['tiny', 'shapes', 'RMA', .*another direction"),
    (update("image", label="dog"), r"studies\.image \['tiny', 'image-0000'\]: has another label"),
    (update("pair", score_original=0.75, target="dog"), "has another score_original, target"),
    (update("trial", pair=["tiny", "shapes", "Focus", "TinyNet", "GradCAM", "image-0001"]), "has another pair_id"),
    (another_trial, r"studies\.trial \['tiny', '99999'\]: is not in the database"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_changed_row_is_refused_where_there_are_responses(
    answered: Study, fixture: Callable[[Change], str], change: Change, message: str
) -> None:
    before = contents()
    remedy = r".*the study tiny has responses; export the changed study under another slug.*load_study"
    with pytest.raises(AnsweredStudyError, match=message + remedy):
        loaddata(fixture(change))
    assert contents() == before


@pytest.mark.parametrize("change", [change for change, _ in CHANGES])
def test_a_changed_row_is_written_where_there_are_none(
    tiny_study: Study, fixture: Callable[[Change], str], change: Change
) -> None:
    before = contents()
    loaddata(fixture(change))
    assert contents() != before
    assert Study.objects.get().bundle_digest == ""


def test_the_unchanged_fixture_changes_nothing_where_there_are_responses(
    answered: Study, fixture: Callable[[Change], str]
) -> None:
    Study.objects.update(state="closed")
    before = contents()
    loaddata(fixture(lambda objects: None))
    assert contents() == before


def test_a_row_cannot_be_taken_out_of_an_answered_study_by_its_primary_key(
    answered: Study, fixture: Callable[[Change], str]
) -> None:
    Study.objects.create(slug="other", title="Other", question="?")
    image = Image.objects.order_by("pk")[0]

    def steal(objects: list[dict[str, Any]]) -> None:
        fields = {"study": ["other"], "name": "x", "picture": [image.picture.digest], "label": "x"}
        objects[:] = [{"model": "studies.image", "pk": image.pk, "fields": fields}]

    with pytest.raises(AnsweredStudyError, match="the study tiny has responses"):
        loaddata(fixture(steal))


def test_a_row_that_is_equal_takes_one_query_to_find_out(answered: Study, fixture: Callable[[Change], str]) -> None:
    path = fixture(lambda objects: None)
    with CaptureQueriesContext(connection) as queries:
        loaddata(path)
    rows = sum(model._base_manager.count() for model in MATERIALS)
    comparisons = [query for query in queries if query["sql"].startswith("SELECT") and "LIMIT 1" in query["sql"]]
    assert len(comparisons) == rows
