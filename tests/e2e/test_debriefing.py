"""What a study was about, as those come to read it who do not come to its end."""

from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site
from tests.e2e.test_accessibility import SCHEMES, violations
from tests.e2e.test_practice import answer as practise

pytestmark = pytest.mark.e2e

PROTOCOL = """
[[pages]]
kind = "practice"
title = "Practice"
make = 2
pass_correct = 2
most_rounds = 1

[[pages]]
kind = "trials"

[[pages]]
kind = "text"
key = "debriefing"
title = "What this was about"
always = true
markdown = \"\"\"
In each pair, one map came from a network as it was, the other from the same network after more training.

## More to read

Ask *anybody* of the group.
\"\"\"

[recruitment.code]
completed = "ALL-DONE"
failed_checks = "NOT-PASSED"
"""
WITHOUT_PRACTICE = PROTOCOL[PROTOCOL.index('[[pages]]\nkind = "trials"') :]


@pytest.fixture
def in_trials(new_annotator: NewAnnotator) -> Annotator:
    """Who has passed the practice and answered a trial."""
    annotator = new_annotator(protocol=WITHOUT_PRACTICE)
    annotator.start()
    annotator.answer("left")
    annotator.sent()
    annotator.ready()
    return annotator


def test_who_does_not_pass_the_practice_reads_the_debriefing_and_then_finds_the_code(
    new_annotator: NewAnnotator, site: Site
) -> None:
    annotator = new_annotator(protocol=PROTOCOL)
    annotator.open()
    annotator.press("Start the practice")
    for _ in range(2):
        practise(annotator, site, rightly=False)
    annotator.on_page("What this was about")
    annotator.page.get_by_role("button", name="Continue").click()
    annotator.page.wait_for_url("**/done/")
    expect(annotator.page.get_by_label("Your completion code")).to_have_text("NOT-PASSED")


def test_who_is_excluded_in_mid_trial_comes_to_the_debriefing_with_the_next_answer(
    in_trials: Annotator, site: Site
) -> None:
    site.end_participation(in_trials.slug, "failed_checks")
    in_trials.answer("left")
    in_trials.on_page("What this was about")


def test_who_is_cut_short_by_the_end_of_the_study_comes_to_the_debriefing_and_the_code(
    in_trials: Annotator, site: Site
) -> None:
    site.set_state(in_trials.slug, "closed")
    # The next trial is there before the reply to this answer, which tells of the end.
    with in_trials.answers_held():
        in_trials.answer("left")
        in_trials.ready()
    in_trials.sent()
    in_trials.answer("left")
    in_trials.page.get_by_role("button", name="Finish").click()
    in_trials.on_page("What this was about")
    in_trials.page.get_by_role("button", name="Continue").click()
    in_trials.page.wait_for_url("**/done/")
    expect(in_trials.page.get_by_label("Your completion code")).to_have_text("ALL-DONE")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_where_the_debriefing_is_on_the_last_page(
    new_annotator: NewAnnotator, scheme: Literal["light", "dark"]
) -> None:
    annotator = new_annotator(
        protocol=PROTOCOL, color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740}
    )
    page = annotator.page
    page.goto(f"{annotator.site.url}/studies/{annotator.slug}/withdraw/")
    page.get_by_role("radio", name="Keep them").check()
    page.get_by_role("button", name="Stop taking part").click()
    expect(page.get_by_role("heading", name="What this was about")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
