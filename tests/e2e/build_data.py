"""Write a researcher with builds in every state into the database of the server under test.

Run as a program in the server's environment: python -m tests.e2e.build_data NAME

The researcher is called NAME and is logged in from the start. Nobody does these builds: tests change their rows.
"""

import sys
from datetime import timedelta
from typing import Any

from tests.e2e.site_data import session_key

CONDITIONS = ("RMA x GradCAM", "RMA x GuidedBackprop")
STATES = ("queued", "running", "importing", "done", "failed", "cancelled")
LINES = 60
CONFIG = """name = "{name}"
title = "Maps of shapes"
seed = 1
pairs = 6
attributors = ["GradCAM", "GuidedBackprop"]

[dataset]
name = "shapes"
layout = "folder"
images = "shapes"

[network]
name = "SmallCNN"
spec = "torchvision:resnet18"

[[metrics]]
name = "RMA"
"""
RESULT = {
    "metric": "RMA",
    "attributor": "GradCAM",
    "network": "SmallCNN",
    "direction": "higher",
    "improved": True,
    "confirmed": True,
    "agreement": 0.98,
    "export": {"n": 72, "before": 0.2, "after": 0.36, "difference": 0.16, "ci": [0.14, 0.18]},
}


def fill(name: str) -> None:
    """Write the researcher and a build in each state, called after both."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from studies.models import Build, BuildLine, BuildStep, User

    owner = User.objects.create(username=name, is_staff=True)
    now = timezone.now()
    plan: dict[str, Any] = {
        "run": "r",
        "images": 100,
        "conditions": [{"name": each, "steps": 50} for each in CONDITIONS],
    }
    plan["conditions"][0]["result"] = {"improved": True, "before": 0.187, "after": 0.348}
    for state in STATES:
        build = Build.objects.create(
            owner=owner,
            name=f"{name}-{state}",
            title=f"Maps that are {state}",
            config=CONFIG.format(name=f"{name}-{state}"),
            file_name="shapes.toml",
            state=state,
            plan={} if state == "queued" else plan,
            manifest={"conditions": [RESULT], "device": "cpu", "seed": 1} if state == "done" else {},
            error="shapes.toml: dataset.images: no such folder: name the folder" if state == "failed" else "",
            # A process of another machine, of which nothing but signs of life is known.
            host="elsewhere",
            pid=1,
            seen_at=now + timedelta(hours=1),
            started_at=None if state == "queued" else now - timedelta(minutes=5),
            finished_at=now if state in ("done", "failed", "cancelled") else None,
        )
        BuildLine.objects.bulk_create(BuildLine(build=build, text=f"line {number}") for number in range(LINES))
        if state == "queued":
            continue
        steps = {"build": build, "attempt": 1, "output": "x", "condition": CONDITIONS[0], "seen_at": now}
        BuildStep.objects.create(**steps, kind="plan", name="plan", state="done")
        BuildStep.objects.create(**steps, kind="finetune", name="finetune:0", state="done", done=50, total=50)
        is_running = state == "running"
        BuildStep.objects.create(
            **steps,
            kind="chunk",
            name="chunk:0",
            state="running" if is_running else "done",
            images=100,
            worker="gpu@lab/7" if is_running else "",
            what="RMA x GradCAM: maps" if is_running else "",
            done=40,
            total=100,
        )
    logged_in = {
        SESSION_KEY: str(owner.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: owner.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=session_key(name),
        session_data=SessionStore().encode(logged_in),
        expire_date=now + timedelta(days=1),
    )


if __name__ == "__main__":
    import django

    django.setup()
    fill(sys.argv[1])
