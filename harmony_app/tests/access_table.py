"""Who may ask for what: every address of the site x method x role, with the status that each gets.

A new address needs an entry here, or `test_access_table.py` fails: the URL pattern's name (with its namespace) and a
rule per method that it answers. Methods that are not listed must be refused. The statuses stand in the order of `Role`;
`LOG_IN` is a redirect to the log-in. Arguments of the address come from `Scene.arguments` by their names; a rule with
arguments of its own replaces some, with texts or with functions of the scene. `body` is what is sent: a dictionary as a
form, or as JSON with `is_json=True`; `query` is what stands behind the question mark. A function may give them, too.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from harmony_app.tests.attacks.bundles import archive_of
from harmony_app.tests.scene import Scene
from studies.tests.build_configs import config
from studies.tests.bundles import write_bundle


class Role(Enum):
    """Who asks. The study is the scene's; the others have a study of their own."""

    ANONYMOUS = "anonymous"
    ANNOTATOR = "annotator of the study"
    OTHER_ANNOTATOR = "annotator of another study"
    OWNER = "researcher who owns the study"
    OTHER_RESEARCHER = "researcher of another study"
    ADMIN = "admin"


Expected = int | str
LOG_IN = "302 to /accounts/login/"
ADMIN_LOG_IN = "302 to /admin/login/"
Given = str | Callable[[Scene], str]
Body = Mapping[str, Any] | Callable[[Scene], Mapping[str, Any]]


@dataclass(frozen=True)
class Rule:
    """What every role gets for one method of an address."""

    method: str
    expected: Sequence[Expected]
    arguments: Mapping[str, Given] = field(default_factory=dict)
    body: Body = field(default_factory=dict)
    is_json: bool = False
    archive: Callable[[Scene], bytes] | None = None


def get(*expected: Expected, query: Body | None = None, **arguments: Given) -> Rule:
    """A page or a download: one status for each role, then what is asked and arguments that are not the scene's."""
    return Rule("GET", expected, arguments, query or {})


def post(*expected: Expected, body: Body | None = None, is_json: bool = False, **arguments: Given) -> Rule:
    """A change of state: one status for each role, then what is sent and arguments that are not the scene's."""
    return Rule("POST", expected, arguments, body or {}, is_json)


def put(*expected: Expected, body: Body | None = None, **arguments: Given) -> Rule:
    """A change by a program, sent as JSON."""
    return Rule("PUT", expected, arguments, body or {}, is_json=True)


def patch(*expected: Expected, body: Body | None = None, **arguments: Given) -> Rule:
    """A change of some fields by a program, sent as JSON."""
    return Rule("PATCH", expected, arguments, body or {}, is_json=True)


def upload(*expected: Expected, archive: Callable[[Scene], bytes]) -> Rule:
    """A zip archive that is sent as it is."""
    return Rule("POST", expected, archive=archive)


UUID = "a6a0b6a2-6a3c-4d83-9df1-5f0a6a2f6c11"
ANSWER = {"uuid": UUID, "revision": 1, "choice": "left", "rt_ms": 900, "timing": {}}
PROTOCOL = '[[pages]]\nkind = "trials"\n\n[trials]\nannotators_per_trial = 2\n'
NEW_BUILD = {"config": config(name='"new-shapes"')}
PROLIFIC = {"PROLIFIC_PID": "a" * 24, "STUDY_ID": "b" * 24, "SESSION_ID": "c" * 24}


def paged(scene: Scene) -> str:
    """The study that has a protocol with pages."""
    return scene.paged.slug


def open_link(scene: Scene) -> str:
    return scene.link.token


def open_link_key(scene: Scene) -> str:
    return str(scene.link.pk)


def token_key(scene: Scene) -> str:
    """A token of the owner's."""
    return str(scene.token.pk)


def build_key(scene: Scene) -> str:
    """A build of the owner's that is queued."""
    return str(scene.build.key)


def failed_build_key(scene: Scene) -> str:
    """Another one of the owner's, which has failed."""
    return str(scene.failed_build.key)


def welcomed(scene: Scene) -> dict[str, str]:
    """The page before the trials, as it is sent when it was read."""
    return {"uuid": UUID, "digest": scene.welcome_digest}


def new_bundle(scene: Scene) -> bytes:
    """A bundle of a study that is not there yet, as a zip archive."""
    with tempfile.TemporaryDirectory() as folder:
        return archive_of(write_bundle(Path(folder) / "bundle", slug="imported", images=1, size=8))


# fmt: off
ACCESS: Mapping[str, Sequence[Rule]] = {
    #                             anonymous, annotator, other annotator, owner, other researcher, admin
    "healthz":              [get(200, 200, 200, 200, 200, 200)],
    "readyz":               [get(200, 200, 200, 200, 200, 200)],
    # Asked from the server's own machine; test_metrics_access.py has everyone else
    "metrics":              [get(200, 200, 200, 200, 200, 200)],
    "catalogue":            [get(200, 200, 200, 200, 200, 200)],
    "login":                [get(200, 302, 302, 302, 302, 302),
                             post(200, 302, 302, 302, 302, 302)],
    "logout":               [post(302, 302, 302, 302, 302, 302)],
    "password_change":      [get(LOG_IN, 200, 200, 200, 200, 200),
                             post(LOG_IN, 200, 200, 200, 200, 200)],
    "password_change_done": [get(LOG_IN, 200, 200, 200, 200, 200)],

    # Coming in; whoever has an account must agree to leave it first
    "join":                 [get(200, 200, 200, 200, 200, 200, token=open_link),
                             post(302, 409, 409, 409, 409, 409, token=open_link)],
    "prolific":             [get(200, 200, 200, 200, 200, 200, query=PROLIFIC, slug=paged),
                             post(302, 409, 409, 409, 409, 409, body=PROLIFIC, slug=paged)],

    # Annotators
    "home":                 [get(LOG_IN, 200, 200, 200, 200, 200)],
    "runner":               [get(LOG_IN, 200, 404, 404, 404, 404)],
    "done":                 [get(LOG_IN, 200, 404, 404, 404, 404)],
    "withdraw":             [get(LOG_IN, 200, 404, 404, 404, 404),
                             post(LOG_IN, 302, 404, 404, 404, 404, body={"answers": "delete"})],
    "steps_next":           [post(403, 200, 404, 404, 404, 404, is_json=True)],
    "page":                 [post(403, 201, 404, 404, 404, 404, body=welcomed, is_json=True, slug=paged)],
    "withdrawal":           [post(403, 200, 404, 404, 404, 404, body={"delete": True}, is_json=True)],
    "assignments_next":     [post(403, 200, 404, 404, 404, 404, body={"count": 2}, is_json=True)],
    "responses":            [post(403, 201, 404, 404, 404, 404, body=ANSWER, is_json=True)],
    "picture":              [get(404, 200, 404, 200, 404, 200)],

    # Researchers: the report and the stored pictures, which the other study has in common with this one
    "stored_picture":       [get(LOG_IN, 404, 404, 200, 200, 200)],
    "report":               [get(LOG_IN, 404, 404, 200, 404, 200)],
    "report-compute":       [post(LOG_IN, 404, 404, 302, 404, 302)],
    "report-progress":      [get(LOG_IN, 404, 404, 200, 404, 200)],
    "report-download":      [post(LOG_IN, 404, 404, 200, 404, 200)],

    # Researchers: the API; whoever has no account is told to bring a token
    "api_schema":           [get(401, 403, 403, 200, 200, 200)],
    "api_docs":             [get(401, 403, 403, 200, 200, 200)],
    "api_bundles":          [upload(401, 403, 403, 201, 201, 201, archive=new_bundle)],
    "api_studies":          [get(401, 403, 403, 200, 200, 200)],
    "api_study":            [get(401, 403, 403, 200, 404, 200),
                             patch(401, 403, 403, 200, 404, 200, body={"state": "paused"})],
    "api_conditions":       [get(401, 403, 403, 200, 404, 200)],
    "api_trials":           [get(401, 403, 403, 200, 404, 200)],
    "api_annotators":       [get(401, 403, 403, 200, 404, 200)],
    "api_responses":        [get(401, 403, 403, 200, 404, 200)],
    "api_page_answers":     [get(401, 403, 403, 200, 404, 200)],
    "api_protocol":         [get(401, 403, 403, 200, 404, 200),
                             put(401, 403, 403, 200, 404, 200, body={"text": PROTOCOL, "reason": "a try"})],
    "api_audit":            [get(401, 403, 403, 200, 404, 200)],
    "api_report":           [get(401, 403, 403, 200, 404, 200),
                             post(401, 403, 403, 200, 404, 200)],

    # Researchers: builds, which are nobody's but the owner's and the admins'
    "api_builds":           [get(401, 403, 403, 200, 200, 200),
                             post(401, 403, 403, 201, 201, 201, body=NEW_BUILD, is_json=True)],
    "api_build":            [get(401, 403, 403, 200, 404, 200, key=build_key)],
    "api_build_cancel":     [post(401, 403, 403, 200, 404, 200, is_json=True, key=build_key)],
    "api_build_retry":      [post(401, 403, 403, 200, 404, 200, is_json=True, key=failed_build_key)],
    "api_build_log":        [get(401, 403, 403, 200, 404, 200, key=build_key)],
    "builds":               [get(LOG_IN, 404, 404, 200, 200, 200)],
    "build_new":            [get(LOG_IN, 404, 404, 200, 200, 200),
                             post(LOG_IN, 404, 404, 302, 302, 302, body={"text": NEW_BUILD["config"], "do": "start"})],
    "build":                [get(LOG_IN, 404, 404, 200, 404, 200, key=build_key)],
    "build_progress":       [get(LOG_IN, 404, 404, 200, 404, 200, key=build_key)],
    "build_config":         [get(LOG_IN, 404, 404, 200, 404, 200, key=build_key)],
    "build_log":            [get(LOG_IN, 404, 404, 200, 404, 200, key=build_key)],
    "build_cancel":         [get(LOG_IN, 404, 404, 200, 404, 200, key=build_key),
                             post(LOG_IN, 404, 404, 302, 404, 302, key=build_key)],
    "build_retry":          [post(LOG_IN, 404, 404, 302, 404, 302, key=failed_build_key)],
    "build_remove":         [get(LOG_IN, 404, 404, 200, 404, 200, key=failed_build_key),
                             post(LOG_IN, 404, 404, 302, 404, 302, key=failed_build_key)],

    # Researchers: the tokens of their programs
    "api_tokens":           [get(LOG_IN, 404, 404, 200, 200, 200),
                             post(LOG_IN, 404, 404, 200, 200, 200, body={"name": "laptop"})],
    "api_token_revoke":     [post(LOG_IN, 404, 404, 302, 404, 404, pk=token_key)],

    # Researchers: the dashboard
    "dashboard":                   [get(LOG_IN, 404, 404, 200, 200, 200)],
    "plan":                        [get(LOG_IN, 404, 404, 200, 200, 200)],
    "dashboard_study":             [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_numbers":           [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_annotators":        [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_annotator":         [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_exclude":           [post(LOG_IN, 404, 404, 302, 404, 302, body={"because": "no sense"})],
    "dashboard_readmit":           [post(LOG_IN, 404, 404, 302, 404, 302)],
    "dashboard_trials":            [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_trial":             [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_protocol":          [get(LOG_IN, 404, 404, 200, 404, 200),
                                    post(LOG_IN, 404, 404, 302, 404, 302, body={"text": PROTOCOL, "reason": "a try"})],
    "dashboard_protocol_version":  [get(LOG_IN, 404, 404, 200, 404, 200, slug=paged)],
    "dashboard_protocol_file":     [get(LOG_IN, 404, 404, 200, 404, 200, slug=paged)],
    "dashboard_links":             [get(LOG_IN, 404, 404, 200, 404, 200),
                                    post(LOG_IN, 404, 404, 302, 404, 302, body={"kind": "open", "count": 1})],
    "dashboard_link_revoke":       [post(LOG_IN, 404, 404, 302, 404, 302, pk=open_link_key)],
    "dashboard_identities_erase":  [get(LOG_IN, 404, 404, 200, 404, 200),
                                    post(LOG_IN, 404, 404, 302, 404, 302)],
    "dashboard_exports":           [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_export":            [post(LOG_IN, 404, 404, 200, 404, 200, name="responses.csv")],
    "dashboard_audit":             [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_settings":          [get(LOG_IN, 404, 404, 200, 404, 200)],
    "dashboard_state":             [get(LOG_IN, 404, 404, 200, 404, 200),
                                    post(LOG_IN, 404, 404, 302, 404, 302)],
    "dashboard_archive":           [get(LOG_IN, 404, 404, 200, 404, 200),
                                    post(LOG_IN, 404, 404, 302, 404, 302)],
    "dashboard_copy":              [post(LOG_IN, 404, 404, 302, 404, 302, body={"slug": "again", "title": "Again"})],
    "dashboard_preview":           [post(LOG_IN, 404, 404, 302, 404, 302)],
    "dashboard_collaborator_add":  [post(LOG_IN, 404, 404, 302, 404, 302, body={"username": "other-researcher"})],
    "dashboard_collaborator_remove": [post(LOG_IN, 404, 404, 302, 404, 302, body={"username": "collaborator"})],
    "dashboard_owner":             [post(LOG_IN, 404, 404, 302, 404, 302, body={"username": "collaborator"})],
}

# What a study's owner decides without its collaborators, who get a 403.
OWNERS_ALONE = {"dashboard_archive", "dashboard_collaborator_add", "dashboard_collaborator_remove", "dashboard_owner"}

# What is nobody's but the owner's, and for everyone else as if it were not there.
OWNERS_SECRETS = {
    "api_token_revoke",
    "api_build", "api_build_cancel", "api_build_retry", "api_build_log",
    "build", "build_progress", "build_config", "build_log", "build_cancel", "build_retry", "build_remove",
}
# fmt: on
