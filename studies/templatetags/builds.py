"""Numbers of builds as pages write them."""

import math
from datetime import timedelta

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from studies import numbers
from studies.dashboard import build_words
from studies.models import BuildStep
from studies.templatetags.dashboard import duration

register = template.Library()

LEVELS = {
    "warning": gettext_lazy("Warning:"),
    "error": gettext_lazy("Error:"),
    "critical": gettext_lazy("Error:"),
}


@register.filter
def percent(value: float) -> str:
    """A share of what there is to do: `42 %`. All of it is said only of all of it."""
    return f"{math.floor(100 * min(1.0, max(0.0, value)))} %"


@register.filter
def thousandths(value: float) -> int:
    """A share of what there is to do as a progress bar of 1,000 takes it."""
    return math.floor(1000 * min(1.0, max(0.0, value)))


@register.filter
def score(value: float | None) -> str:
    """A score with three decimals; a dash for None."""
    return "–" if value is None else numbers.fixed(value, 3)


@register.filter
def signed(value: float | None) -> str:
    """A difference of scores with its sign; a dash for None."""
    return "–" if value is None else numbers.fixed(value, 3, signed=True)


@register.filter
def share(value: float | None) -> str:
    """A share of images: `98.6 %`; a dash for None."""
    return "–" if value is None else f"{numbers.fixed(100 * value, 1)} %"


@register.filter
def rate(value: float) -> str:
    """Images a second with two digits that say something: `0.42`, `8.3`, `210`."""
    return numbers.fixed(value, 2 if value < 1 else 1 if value < 10 else 0)


@register.filter
def span(seconds: float | None) -> str:
    """A length of time in its two largest units: `1 h 20 min`; a dash for None."""
    return duration(None if seconds is None else timedelta(seconds=seconds))


@register.filter
def level(value: str) -> str:
    """What stands before a line of the log that is no plain news."""
    return str(LEVELS.get(value, ""))


@register.filter
def step_state(value: str) -> str:
    """The word for the state of a step."""
    return str(BuildStep.State(value).label) if value in BuildStep.State.values else "–"


@register.filter
def told(text: str) -> SafeString:
    """An error or a line of the log in the page's language, with what is in English marked as such."""
    return build_words.told(text)


@register.filter
def work(what: str) -> str:
    """What a worker is at, in the page's language where it is known."""
    return build_words.told_shortly(what, build_words.WORK)


@register.filter
def left_out(reason: str) -> str:
    """Why images were left out of a bundle."""
    return build_words.told_shortly(reason, build_words.LEFT_OUT)


@register.filter
def split(name: str) -> str:
    """The word for a split of a data set."""
    return build_words.told_shortly(name, build_words.SPLITS)
