"""A process of the site in which tests start, watch and compare builds: a JSON object a line, and a reply to each.

`{"do": "queue", "config": PATH}`; cancel, retry, show with a `key`; compare with `key` and the `bundle` to compare to.
"""

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402

from attribution.shared_storage import SharedStorage  # noqa: E402
from studies.builds.asking import BuildError, build_cancel, build_queue, build_retry  # noqa: E402
from studies.builds.progress import build_progress  # noqa: E402
from studies.models import Build, Pair, Picture, Study, User  # noqa: E402


def clear() -> None:
    """Forget all builds and what they made, so that the next one computes everything."""
    Build.objects.all().delete()
    Study.objects.all().delete()
    Picture.objects.all().delete()
    for folder in ("builds", "runs"):
        SharedStorage.open(settings.BUILDS_URL).remove_all(folder)


def queue(config: str) -> str:
    owner = User.objects.filter(username="builder").first() or User.objects.create_superuser("builder")
    file = Path(config)
    text, base = file.read_text(), str(file.parent)
    return str(build_queue(owner=owner, text=text, file_name=file.name, base=base, trusted=True).key)


def cancel(key: str) -> None:
    build_cancel(build=Build.objects.get(key=key), actor=None)


def retry(key: str) -> None:
    build_retry(build=Build.objects.get(key=key), actor=None)


def show(key: str) -> dict[str, Any]:
    build = Build.objects.get(key=key)
    steps = build.steps.filter(attempt=build.attempt)
    progress = build_progress(build)
    return {
        "state": build.state,
        "attempt": build.attempt,
        "error": build.error,
        "pid": build.pid,
        "is_stalled": progress.is_stalled,
        "study": build.study.slug if build.study else None,
        "steps": list(steps.values("name", "kind", "state", "losses", "failures", "error", "worker", "images")),
        "lines": list(build.lines.values_list("text", flat=True)),
    }


def compare(key: str, bundle: str) -> dict[str, int]:
    """Check bundle and study of a build against a bundle; returns how many files and pairs were the same."""
    wanted = json.loads(Path(bundle, "manifest.json").read_text())["files"]
    storage = SharedStorage.open(settings.BUILDS_URL)
    build = Build.objects.get(key=key)
    told = json.loads(storage.read(f"builds/{key}/bundle-{build.attempt}.json"))
    content = storage.read(told["bundle"])
    assert hashlib.sha256(content).hexdigest() == told["sha256"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert json.loads(archive.read("manifest.json"))["files"] == wanted
        made = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    made.pop("manifest.json")
    assert made == wanted
    rows = json.loads(Path(bundle, "study.json").read_text())
    pairs = {tuple(_pair(row["fields"])) for row in rows if row["model"] == "studies.pair"}
    stored = Pair.objects.filter(condition__study__slug=build.name).select_related(
        "condition__study", "image", "original", "finetuned"
    )
    assert {tuple(_stored(pair)) for pair in stored} == pairs
    printed = io.StringIO()
    call_command("check_study", build.name, pictures=True, stdout=printed)
    assert printed.getvalue() == f"{build.name}: consistent\n", printed.getvalue()
    return {"files": len(wanted), "pairs": len(pairs)}


def _pair(fields: dict[str, Any]) -> list[object]:
    image, original, finetuned = fields["image"], fields["original"], fields["finetuned"]
    scores = fields["score_original"], fields["score_finetuned"]
    return [*fields["condition"], image[-1], original[0], finetuned[0], *scores]


def _stored(pair: Pair) -> list[object]:
    condition = pair.condition
    key = [condition.study.slug, condition.dataset, condition.metric, condition.network, condition.attributor]
    scores = pair.score_original, pair.score_finetuned
    return [*key, pair.image.name, pair.original.digest, pair.finetuned.digest, *scores]


COMMANDS: dict[str, Callable[..., Any]] = {
    "clear": clear,
    "queue": queue,
    "cancel": cancel,
    "retry": retry,
    "show": show,
    "compare": compare,
}


def reply_to(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"reply": COMMANDS[asked.pop("do")](**asked)}
    except (OperationalError, BuildError, OSError, AssertionError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        # The database may be another process the next time.
        connection.close()


if __name__ == "__main__":
    told = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        told.write(json.dumps(reply_to(json.loads(line))) + "\n")
        told.flush()
