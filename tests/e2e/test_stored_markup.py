"""Markup in every text of the database, looked at in a browser that would run it: no dialog opens."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Dialog

from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site, supplied_site

pytestmark = pytest.mark.e2e

POISONED = """
import sys
import django
django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from harmony_app.tests.attacks.poison import MARKDOWN, POISON, poison_all_texts, poisonous_rows
from studies.models import Participation, Trial, User
from studies.services import assignments_draw
from studies.tests.flow_studies import TRIALS, add_protocol
from studies.tests.test_drawing import answer
participation = Participation.objects.get(study__slug=sys.argv[1])
admin = User.objects.create(username="admin", is_staff=True, is_superuser=True)
add_protocol(
    participation.study,
    {"kind": "consent", "title": POISON, "markdown": MARKDOWN},
    {"kind": "text", "key": "welcome", "title": POISON, "markdown": MARKDOWN},
    TRIALS,
)
poisonous_rows(participation, admin)
poison_all_texts()
participation.refresh_from_db()
session = SessionStore()
session.update({
    SESSION_KEY: str(admin.pk),
    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
    HASH_SESSION_KEY: User.objects.get(pk=admin.pk).get_session_auth_hash(),
})
session.create()
print(session.session_key, Trial.objects.filter(study=participation.study).first().pk)
"""
POISON_ALL = """
import django
django.setup()
from harmony_app.tests.attacks.poison import poison_all_texts
poison_all_texts()
"""
PAGES_OF_ADMIN = [
    "dashboard/",
    "dashboard/{slug}/",
    "dashboard/{slug}/annotators/",
    "dashboard/{slug}/trials/",
    "dashboard/{slug}/trials/{trial}/",
    "dashboard/{slug}/protocol/",
    "dashboard/{slug}/links/",
    "dashboard/{slug}/results/",
    "dashboard/{slug}/log/",
    "dashboard/{slug}/settings/",
    "studies/{slug}/report/",
    "admin/studies/study/",
    "admin/studies/image/",
    "admin/studies/pair/",
    "admin/studies/user/",
    "admin/studies/participation/",
]
MARKUP = 'img[src="x"], svg[onload], a[href^="javascript:"], a[href^="data:"]'


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site of its own: what is written into its texts would disturb other tests."""
    with supplied_site() as running:
        yield running


def test_markup_in_texts_runs_nowhere(new_annotator: NewAnnotator, site: Site) -> None:
    # Without the policy: what is wrongly rendered would run.
    annotator = new_annotator(bypass_csp=True)
    session, trial = site.server.python("-c", POISONED, annotator.slug).split()
    opened: list[str] = []
    seen = 0

    def note(dialog: Dialog) -> None:
        opened.append(dialog.page.url if dialog.page else "a page")
        dialog.dismiss()

    def look(context: BrowserContext, paths: list[str]) -> None:
        nonlocal seen
        page = context.new_page()
        page.on("dialog", note)
        for path in paths:
            response = page.goto(f"{site.url}/{path}")
            assert response is not None
            assert response.status == 200, path
            page.wait_for_load_state("networkidle")
            assert page.locator(MARKUP).count() == 0, path
            seen += "<img src=x onerror=alert(1)>" in page.locator("body").inner_text()
        page.close()

    slug = annotator.slug
    annotator.page.on("dialog", note)
    annotator.page.goto(f"{site.url}/studies/{slug}/")
    annotator.page.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
    assert annotator.page.locator(MARKUP).count() == 0
    look(annotator.context, ["", f"studies/{slug}/done/", f"studies/{slug}/withdraw/", "accounts/password/"])
    annotator.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
    look(annotator.context, [path.format(slug=slug, trial=trial) for path in PAGES_OF_ADMIN])
    assert opened == []
    # Most pages show such a text; it would prove nothing if none did.
    assert seen > len(PAGES_OF_ADMIN) // 2


def test_the_network_s_answer_is_text_on_a_trial(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(bypass_csp=True)
    opened: list[str] = []

    def note(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    annotator.page.on("dialog", note)
    site.server.python("-c", POISON_ALL)
    annotator.start()
    assert "<img src=x onerror=alert(1)>" in annotator.prediction()
    annotator.answer("left")
    annotator.ready()
    assert annotator.page.locator(MARKUP).count() == 0
    assert opened == []
