"""The site as it is really served: gunicorn, DEBUG off, static files straight from the source."""

import contextlib
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
import redis

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite

pytestmark = pytest.mark.slow

COLLECT = """
import os, sys
os.environ["STATIC_ROOT"] = sys.argv[1]
import django
django.setup()
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
"""


@pytest.fixture(scope="module")
def site(live_site: Callable[..., LiveSite]) -> LiveSite:
    return live_site(workers=1)


def test_the_site_is_healthy(site: LiveSite) -> None:
    reply = Browser(site.url).get("/healthz")
    assert (reply.status, reply.json()) == (200, {"status": "ok"})


def test_jspsych_is_served_from_the_source_with_the_security_headers(site: LiveSite) -> None:
    reply = Browser(site.url).get("/static/vendor/jspsych/index.browser.min.js")
    assert reply.status == 200
    assert "javascript" in reply.headers["Content-Type"]
    assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    assert len(reply.body) > 50_000


@pytest.mark.parametrize("path", ["vendor/jspsych/../../package.json", "axe-core/axe.min.js", "vendor/axe-core/axe.js"])
def test_other_packages_are_not_served(site: LiveSite, path: str) -> None:
    assert Browser(site.url).get(f"/static/{path}").status == 404


@pytest.mark.parametrize("path", ["/media/pictures/x.png", "/pictures/", "/var/secret_key", "/static/../manage.py"])
def test_files_of_the_server_have_no_address(site: LiveSite, path: str) -> None:
    assert Browser(site.url).get(path).status == 404


def test_a_missing_page_shows_no_details_of_the_site(site: LiveSite) -> None:
    reply = Browser(site.url).get("/no/such/page")
    assert reply.status == 404
    assert b"urlpatterns" not in reply.body
    assert b"DEBUG" not in reply.body


def test_a_foreign_host_name_is_refused(site: LiveSite) -> None:
    request = urllib.request.Request(f"{site.url}/healthz", headers={"Host": "evil.example.org"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=60)


def test_sqlite_runs_in_wal_mode(site: LiveSite) -> None:
    code = (
        "import django; django.setup(); from django.db import connection as c; k = c.cursor();"
        "print([k.execute(f'PRAGMA {p}').fetchone()[0] for p in ('journal_mode', 'foreign_keys', 'synchronous')])"
    )
    assert site.python("-c", code).strip() == "['wal', 1, 2]"


def test_static_files_can_be_collected_under_hashed_names(site: LiveSite) -> None:
    target = site.folder / "static"
    site.python("-c", COLLECT, str(target))
    assert (target / "staticfiles.json").is_file()
    names = [path.name for path in (target / "vendor" / "jspsych").glob("index.browser.min.*.js")]
    assert len(names) == 1


def test_a_task_waits_in_redis_where_there_is_a_broker(site: LiveSite, redis_url: str) -> None:
    code = (
        f"import os; os.environ['CELERY_BROKER_URL'] = {redis_url!r}; from harmony_app import celery_app;"
        "celery_app.send_task('a.task.by.name', [1])"
    )
    site.python("-c", code)
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        assert client.llen("default") == 1
