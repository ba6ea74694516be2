"""An image that cannot be computed, and one that kills whoever computes it: only its build fails, and says why."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run

# Of four messages, each of which has three tries, and of one more that may be under way.
MOST_TRIES = 15

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def small(references: dict[str, Reference]) -> Iterator[Reference]:
    yield references["small"]
    references["small"].poison.unlink(missing_ok=True)


def poison(reference: Reference, how: str) -> str:
    """Let the method of the study's own fail for an image that the study shows; returns the image's name."""
    rows = json.loads((reference.bundle / "study.json").read_text())
    # The first ones are tried before anything is fine-tuned.
    name: str = [row["fields"]["name"] for row in rows if row["model"] == "studies.image"][-1]
    file = reference.folder / "images" / (name.replace("-", "/") + ".png")
    digest = hashlib.sha256(Image.open(file).convert("RGB").tobytes()).hexdigest()
    reference.poison.write_text(f"{how} {digest}")
    return name


def test_an_image_that_cannot_be_computed_fails_its_build_alone_and_by_name(
    build_site: BuildSite, references: dict[str, Reference], small: Reference
) -> None:
    image = poison(small, "raise")
    run, other = Run(build_site, small), Run(build_site, references["other"])
    told = run.until_in("failed")
    assert f"the image {image} cannot be computed: RuntimeError: too bright for me" in told["error"]
    # The maps of both conditions' originals are made together: each of them names the image.
    assert all(image in step["error"] for step in told["steps"] if step["failures"])
    other.ends_right("an image that cannot be computed in another build", "that build alone fails, and names it")
    small.poison.unlink()
    run.retry()
    told = run.ends_right("an image that cannot be computed, then a mended method", "the retry goes on")
    assert told["attempt"] == 2


def test_an_image_that_kills_its_worker_fails_its_build_after_some_tries(
    build_site: BuildSite, small: Reference
) -> None:
    poison(small, "kill")
    run = Run(build_site, small)
    error = run.until_in("failed")["error"]
    assert "chunk:" in error
    assert "its process was ended each time that it was tried" in error
    assert "images " in error
    tries = build_site.carried_out("chunk")
    assert max(tries.count(output) for output in tries) <= MOST_TRIES
    small.poison.unlink()
    run.retry()
    run.ends_right("an image that kills whoever computes it", "the build fails and names the step; the retry goes on")
