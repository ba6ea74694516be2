"""Make the published app's data, and log its users in: prints their session cookies as JSON.

`main` runs in the site's environment with the sizes as JSON as argument:
{"images": 200, "conditions": 30, "annotators": 10, "responses": 30000, "pictures": 60}
"""

import json
import sys

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

from published_app.models import Dataset, Example, Experiment, Method, Network, Vote


def logged_in(user: User) -> str:
    """Start a session; returns its cookie."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}"


def fill(sizes: dict[str, int]) -> dict[str, object]:
    """Groups are 1 data set x metrics x networks x 3 methods, as many as there are conditions."""
    # First Django's own tables, then those that point to them.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    dataset = Dataset.objects.create(name="made")
    methods = [Method.objects.create(name=f"method-{number}") for number in range(3)]
    networks = [Network.objects.create(name=f"network-{number}") for number in range(2)]
    experiments: list[Experiment] = []
    groups = []
    for number in range(sizes["conditions"]):
        if number % 6 == 0:
            experiments.append(Experiment.objects.create(name=f"metric-{number // 6}"))
        method, network = methods[number % 3], networks[number // 3 % 2]
        groups.append([dataset.name, experiments[-1].name, network.name, method.name])
        names = [
            [f"{(number + image + step) % sizes['pictures']}.png" for step in range(3)]
            for image in range(sizes["images"])
        ]
        Example.objects.bulk_create(
            Example(
                dataset=dataset,
                experiment=experiments[-1],
                network=network,
                method=method,
                prediction="cat",
                image=image,
                original=original,
                finetuned=finetuned,
            )
            for image, original, finetuned in names
        )
    earlier = [User.objects.create(username=f"earlier-{number}") for number in range(50)]
    examples = list(Example.objects.order_by("pk").values_list("pk", flat=True))
    number_of_votes = min(sizes["responses"], len(earlier) * len(examples))
    Vote.objects.bulk_create(
        (
            Vote(user=earlier[(place * 5 + turn) % len(earlier)], example_id=examples[place], choice="neither")
            for turn, place in (divmod(number, len(examples)) for number in range(number_of_votes))
        ),
        batch_size=1000,
    )
    users = [User.objects.create(username=f"annotator-{number}") for number in range(sizes["annotators"])]
    return {
        "groups": groups,
        "annotators": [{"pk": user.pk, "cookies": logged_in(user)} for user in users],
        "earlier": {"pk": earlier[0].pk, "cookies": logged_in(earlier[0])},
    }


def main() -> None:
    """Read the arguments, print JSON."""
    json.dump(fill(json.loads(sys.argv[1])), sys.stdout)
