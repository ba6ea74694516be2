"""Every operation of the API, asked with what its own description allows and with what it does not.

Schemathesis makes the requests from the description and holds the replies against it: no faults of the server, no
status, type or body that is not described, nothing malformed accepted, nothing sound refused, no way around log-ins.
"""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings, strategies

from harmony_app.tests.attacks.bundles import archive_of, sound
from harmony_app.tests.scene import Scene, build_scene
from harmony_app.wsgi import application
from studies.models import Assignment, Build
from studies.services.tokens import token_make
from studies.tests.build_configs import CONFIG

CSRF = "c" * 32
TOKEN = "the-token-of-a-live-assignment"
BUILD = "6f1de3a2-51f7-4a0e-8c55-3d1f6f0a7b10"
KNOWN = {"slug": ["tiny", "paged"], "key": ["welcome", BUILD], "token": [TOKEN]}
"""What there is, for the addresses; what there is not comes by itself."""
ASKED_A_LOT = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@schemathesis.serializer("application/zip")
def as_it_is(ctx: schemathesis.SerializationContext, value: Any) -> Any:
    """Send an archive as its bytes, and anything else as a text."""
    return value if isinstance(value, bytes) else str(value).encode()


@cache
def sound_archive() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return archive_of(sound(Path(folder) / "bundle"))


schemathesis.openapi.media_type("application/zip", strategies.builds(sound_archive))
schemathesis.openapi.format(
    "toml",
    strategies.from_regex(r"[a-z]{1,20}", fullmatch=True).map(
        lambda word: f'question = "{word}?"\n\n[[pages]]\nkind = "trials"\n\n[trials]\nannotators_per_trial = 2\n'
    ),
)
schemathesis.openapi.format(
    "run-config",
    strategies.from_regex(r"[a-z]{1,20}", fullmatch=True).map(lambda word: CONFIG.replace('"shapes"', f'"{word}"', 1)),
)


def schema_for(tag: str) -> Any:
    """Return the operations for researchers or annotators, as the site describes them."""
    document: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["schema"] = {"type": "string", "enum": KNOWN[parameter["name"]]}
    schema = schemathesis.openapi.from_dict(document)
    schema.app = application
    # Every text of the site refuses NUL and lone surrogates, which a JSON Schema has no plain word for.
    schema.config.generation.allow_x00 = False
    schema.config.generation.codec = "utf-8"
    return schema.include(tag=tag)


@pytest.fixture
def scene(db: None, tiny_bundle: Path) -> Scene:
    scene = build_scene(tiny_bundle)
    Assignment.objects.filter(pk=scene.live.pk).update(token=TOKEN)
    Build.objects.filter(pk=scene.failed_build.pk).update(key=BUILD)
    return scene


@pytest.fixture
def bearer(scene: Scene) -> dict[str, str]:
    """What the program of the study's owner sends."""
    return {"Authorization": f"Bearer {token_make(user=scene.owner, name='attack')[1]}"}


@pytest.fixture
def browser(scene: Scene) -> dict[str, str]:
    """What the browser of the study's annotator sends."""
    client = Client()
    client.force_login(scene.annotator)
    session = client.cookies["sessionid"].value
    return {"Cookie": f"sessionid={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF}


@schema_for("Researchers").parametrize()  # type: ignore[untyped-decorator]
@ASKED_A_LOT
def test_the_researchers_api_is_as_it_is_described(case: Any, bearer: dict[str, str]) -> None:
    case.call_and_validate(headers=bearer)


@schema_for("Annotators").parametrize()  # type: ignore[untyped-decorator]
@ASKED_A_LOT
def test_the_annotators_api_is_as_it_is_described(case: Any, browser: dict[str, str]) -> None:
    case.call_and_validate(headers=browser)
