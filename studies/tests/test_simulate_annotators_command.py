"""manage.py simulate_annotators."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from studies.models import Response, Study


def test_the_copy_is_answered_and_the_study_is_untouched(tiny_study: Study) -> None:
    before = Study.objects.filter(pk=tiny_study.pk).values().get()
    out = StringIO()
    call_command("simulate_annotators", "tiny", copy_as="tiny-simulated", annotators=3, seed=1, stdout=out)
    copy = Study.objects.get(slug="tiny-simulated")
    assert copy.is_simulated
    assert copy.copied_from == tiny_study
    assert "(simulated)" in copy.title
    assert Response.objects.filter(assignment__participation__study=copy).count() == 24
    assert not Response.objects.filter(assignment__participation__study=tiny_study).exists()
    assert not tiny_study.participations.exists()
    assert Study.objects.filter(pk=tiny_study.pk).values().get() == before
    assert "24 responses of 3 simulated annotators" in out.getvalue()


def test_an_unknown_study_lists_the_known_ones(tiny_study: Study) -> None:
    with pytest.raises(CommandError, match=r'there is no study "tinny" \(known: tiny\)'):
        call_command("simulate_annotators", "tinny", copy_as="copy")


def test_a_taken_slug_is_refused(tiny_study: Study) -> None:
    with pytest.raises(CommandError, match='"tiny" is taken'):
        call_command("simulate_annotators", "tiny", copy_as="tiny")


def test_a_failure_leaves_no_copy(tiny_study: Study) -> None:
    with pytest.raises(CommandError, match="too few"):
        call_command("simulate_annotators", "tiny", copy_as="copy", annotators=0)
    assert not Study.objects.filter(slug="copy").exists()
