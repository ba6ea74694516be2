"""The four pages, with the queries that the published app asks."""

import base64
import random
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from published_app.models import Dataset, Example, Experiment, Method, Network, Vote


def _parts(names: dict[str, str]) -> dict[str, object]:
    """Four queries."""
    return {
        "dataset": Dataset.objects.get(name__iexact=names["dataset"]),
        "experiment": Experiment.objects.get(name__iexact=names["experiment"]),
        "network": Network.objects.get(name__iexact=names["network"]),
        "method": Method.objects.get(name__iexact=names["method"]),
    }


def _examples(names: dict[str, str]) -> QuerySet[Example]:
    return Example.objects.filter(**_parts(names)).order_by("pk")


def _open(request: HttpRequest, examples: QuerySet[Example]) -> QuerySet[Example]:
    voted = Vote.objects.filter(user=request.user).values_list("example", flat=True)
    return examples.exclude(pk__in=voted)


def _address(names: dict[str, str]) -> str:
    return "/trials/{dataset}/{experiment}/{network}/{method}".format(**names)


def _inline(name: str) -> str:
    content = (Path(settings.PICTURES) / name).read_bytes()
    return "data:image/png;base64," + base64.b64encode(content).decode()


@login_required
def start(request: HttpRequest) -> HttpResponse:
    """List all groups."""
    rows = []
    kinds = {"dataset": Dataset, "experiment": Experiment, "network": Network, "method": Method}
    for found in Example.objects.values(*kinds).annotate(number=Count("pk")):
        names = {part: str(kind.objects.get(pk=found[part])) for part, kind in kinds.items()}
        examples = _examples(names)
        total = len(examples)
        rows.append({"names": names, "address": _address(names), "total": total})
        rows[-1]["answered"] = total - len(_open(request, examples))
    return render(request, "start.html", {"rows": rows})


@login_required
def group(request: HttpRequest, **names: str) -> HttpResponse:
    """Send the browser to the first example without a vote."""
    left = _open(request, _examples(names))
    if len(left) > 0:
        return redirect(f"{_address(names)}/{left[0].pk}")
    return HttpResponse("All done.")


@login_required
def trial(request: HttpRequest, example: int, **names: str) -> HttpResponse:
    """Show an example with its pictures inside the page, the maps on sides drawn anew each time."""
    parts = _parts(names)
    found = Example.objects.filter(**parts, pk=example)[0]
    examples = _examples(names)
    left = _open(request, examples)
    pictures = {name: _inline(getattr(found, name)) for name in ("image", "original", "finetuned")}
    sides = random.sample(["original", "finetuned"], 2)
    neighbours = [Example.objects.filter(**parts, pk=example + step).first() for step in (-1, 1)]
    given = Vote.objects.filter(example=found, user=request.user).first()
    context = {
        "address": _address(names),
        "example": found,
        "image": pictures["image"],
        "maps": [{"choice": side, "picture": pictures[side]} for side in sides],
        "neighbours": neighbours,
        "given": given,
        "answered": len(examples) - len(left),
        "total": len(examples),
    }
    return render(request, "trial.html", context)


@login_required
def vote(request: HttpRequest, example: int, choice: str, **names: str) -> HttpResponse:
    """Look for the vote, change or create it, and send the browser to the group."""
    found = Example.objects.get(pk=example, **_parts(names))
    try:
        given = Vote.objects.get(user=request.user, example=found)
        given.choice = choice
    except Vote.DoesNotExist:
        given = Vote(user=request.user, example=found, choice=choice)
    given.save()
    return redirect(_address(names))
