"""The bundle that comes with the project."""

from pathlib import Path

import pytest
from django.core.management import call_command

from studies.models import Condition, Study, Trial

BUNDLE = Path(__file__).resolve().parents[2] / "fixtures" / "demo"


@pytest.mark.django_db
def test_the_committed_bundle_is_a_small_study_that_loads() -> None:
    call_command("load_study", str(BUNDLE))
    study = Study.objects.get(slug="demo")
    assert Trial.objects.filter(study=study).count() == 12
    assert set(Condition.objects.filter(study=study).values_list("metric", "attributor")) == {
        ("RMA", "GradCAM"),
        ("RMA", "GuidedBackprop"),
        ("Focus", "GradCAM"),
        ("Focus", "GuidedBackprop"),
    }
    assert sum(path.stat().st_size for path in BUNDLE.rglob("*")) < 2_000_000
