"""Numbers and names as the dashboard writes them."""

import re
from collections.abc import Mapping
from datetime import timedelta

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studies import numbers

register = template.Library()

RULE_NOT_MET = re.compile(r"(?P<rule>[a-z_]+): (?P<value>[\d.e+-]+), limit (?P<limit>[\d.e+-]+)")
"""Why the quality rules have excluded somebody, as it is stored; several are parted by semicolons."""

NAMES = {
    # What an answer stands for.
    "original": gettext_lazy("original"),
    "finetuned": gettext_lazy("finetuned"),
    "neither": gettext_lazy("neither"),
    "equal": gettext_lazy("equally good"),
    "both_bad": gettext_lazy("both bad"),
    "timeout": gettext_lazy("no answer in time"),
    # What an annotator was given.
    "main": gettext_lazy("main"),
    "catch": gettext_lazy("catch"),
    "repeat": gettext_lazy("repeat"),
    "practice": gettext_lazy("practice"),
    "left": gettext_lazy("left"),
    "right": gettext_lazy("right"),
    # What became of a participation, and where it came from.
    "active": gettext_lazy("active"),
    "completed": gettext_lazy("completed"),
    "failed_checks": gettext_lazy("failed checks"),
    "screened_out": gettext_lazy("screened out"),
    "over_quota": gettext_lazy("over quota"),
    "withdrawn": gettext_lazy("withdrawn"),
    "excluded": gettext_lazy("excluded"),
    "flagged": gettext_lazy("flagged"),
    "account": gettext_lazy("account"),
    "invitation": gettext_lazy("invitation"),
    "open": gettext_lazy("open"),
    "test": gettext_lazy("test"),
    "paused": gettext_lazy("paused"),
    "closed": gettext_lazy("closed"),
    "prolific": "Prolific",
    "preview": gettext_lazy("preview"),
    # Pages of a protocol.
    "consent": gettext_lazy("consent"),
    "text": gettext_lazy("text"),
    "questionnaire": gettext_lazy("questionnaire"),
    "plugin": gettext_lazy("plugin"),
    "trials": gettext_lazy("trials"),
    # Imported responses: what they are, and what they were read from.
    "forced_choice": gettext_lazy("choices between two maps"),
    "two_choice": gettext_lazy("choices between two answers, one of which is right"),
    "categories": gettext_lazy("choices among categories, one of which is right"),
    "table": gettext_lazy("a table with a row per answer"),
    "harmony-app": gettext_lazy("the published Harmony app"),
    "model-vs-human": "model-vs-human",
    "exemplars": gettext_lazy("the study of exemplar images"),
    # Quality rules.
    "catch_accuracy": gettext_lazy("accuracy on catch trials"),
    "repeat_consistency": gettext_lazy("consistency on repeats"),
    "total_seconds": gettext_lazy("total time (s)"),
    "median_rt_ms": gettext_lazy("median time (ms)"),
    "fast_share": gettext_lazy("share of fast answers"),
    "longest_run": gettext_lazy("longest run of one answer"),
    "neither_share": gettext_lazy("share of neither"),
    "focus_lost": gettext_lazy("focus lost"),
    # Flags of implausible times.
    "answered_before_painted": gettext_lazy("answered before painted"),
    "clock_off": gettext_lazy("clock is off"),
    "faster_than_possible": gettext_lazy("faster than possible"),
    "over_most_ms": gettext_lazy("after the time limit"),
    "rt_longer_than_issued": gettext_lazy("longer than given out"),
    "rt_unlike_times": gettext_lazy("times do not fit"),
    "times_missing": gettext_lazy("times are missing"),
    "timeout_too_early": gettext_lazy("out of time too early"),
    "under_least_ms": gettext_lazy("before the least time"),
    # Keys of the log's details.
    "because": gettext_lazy("because"),
    "codes": gettext_lazy("codes"),
    "count": gettext_lazy("number"),
    "deleted": gettext_lazy("deleted"),
    "from": gettext_lazy("from"),
    "kind": gettext_lazy("kind"),
    "name": gettext_lazy("name"),
    "participation": gettext_lazy("annotator"),
    "participations": gettext_lazy("annotators"),
    "participants": gettext_lazy("participants"),
    "rows": gettext_lazy("responses"),
    "source": gettext_lazy("source"),
    "change": gettext_lazy("change"),
    "digest": gettext_lazy("digest"),
    "imported": gettext_lazy("imported"),
    "replaced": gettext_lazy("replaced"),
    "quota": gettext_lazy("quota"),
    "reason": gettext_lazy("reason"),
    "to": gettext_lazy("to"),
    "user": gettext_lazy("user"),
    "version": gettext_lazy("version"),
    "flag": gettext_lazy("flags"),
    "exclude": gettext_lazy("excludes"),
}

ACTIONS = {
    "annotators_added": gettext_lazy("added annotators"),
    "archived": gettext_lazy("archived the study"),
    "collaborator_added": gettext_lazy("added a collaborator"),
    "collaborator_removed": gettext_lazy("removed a collaborator"),
    "copied": gettext_lazy("copied the study"),
    "copied_from": gettext_lazy("made the study as a copy"),
    "export": gettext_lazy("downloaded results"),
    "annotator_erased": gettext_lazy("erased an annotator"),
    "identities_erased": gettext_lazy("erased ids of a recruitment service"),
    "link_revoked": gettext_lazy("revoked a link"),
    "links_created": gettext_lazy("made links"),
    "owner_changed": gettext_lazy("handed the study over"),
    "participation_excluded": gettext_lazy("left an annotator’s answers out"),
    "participation_readmitted": gettext_lazy("let an annotator’s answers count again"),
    "participation_withdrawn": gettext_lazy("an annotator withdrew"),
    "previewed": gettext_lazy("previewed the study"),
    "protocol_set": gettext_lazy("put a protocol in force"),
    "responses_imported": gettext_lazy("imported responses"),
    "settings_changed": gettext_lazy("changed the settings"),
    "state_changed": gettext_lazy("changed the state"),
    "unarchived": gettext_lazy("brought the study back from the archive"),
}


@register.filter
def action(value: str) -> str:
    """What an entry of the log did; an action that has no words of its own is written with spaces."""
    return str(ACTIONS.get(value, value.replace("_", " ")))


@register.filter
def name(value: object) -> str:
    """The word for a stored name; one that has no word is written with spaces."""
    return str(NAMES.get(str(value), str(value).replace("_", " ")))


@register.filter
def pairs(value: Mapping[str, object]) -> list[tuple[str, object]]:
    """Keys with values. A template's own `.items` would be the value of a key of that name."""
    return list(value.items())


@register.filter
def detail(value: object) -> str:
    """A value of an entry of the log: lists with commas, truth as yes or no, names in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(detail(item) for item in value)
    if isinstance(value, float):
        return numbers.plain(value)
    return because(str(NAMES.get(value, value))) if isinstance(value, str) else str(value)


@register.filter
def because(value: str) -> str:
    """A reason in somebody's own words, or the quality rules that are not met with their names and numbers."""
    rules = [RULE_NOT_MET.fullmatch(part) for part in value.split("; ")]
    return "; ".join(_rule_not_met(rule) for rule in rules if rule is not None) if all(rules) else value


def _rule_not_met(rule: re.Match[str]) -> str:
    try:
        value, limit = plain(float(rule["value"])), plain(float(rule["limit"]))
    except ValueError:
        return rule[0]
    return _("{rule}: {value}, limit {limit}").format(rule=name(rule["rule"]), value=value, limit=limit)


@register.filter
def plain(value: float) -> str:
    """A number with at most three decimals, and none that say nothing: `0.6`, `20`."""
    return numbers.plain(value, 3)


@register.filter
def milliseconds(value: float | None) -> str:
    """A reaction time: `480 ms`, `1.9 s`, `2 min 5 s`; a dash for None."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{numbers.fixed(value / 1000, 1)} s"
    return duration(timedelta(milliseconds=value))


@register.filter
def duration(value: timedelta | None) -> str:
    """A length of time in its two largest units: `2 d 3 h`, `1 h 20 min`, `45 s`; a dash for None."""
    if value is None:
        return "–"
    seconds = round(value.total_seconds())
    units = ((_("d"), 86_400), (_("h"), 3600), (_("min"), 60), (_("s"), 1))
    parts: list[tuple[int, str]] = []
    for unit, size in units:
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append((number, unit))
    if not parts:
        return f"0 {_('s')}"
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number)


@register.simple_tag(takes_context=True)
def page_address(context: template.Context, number: int) -> str:
    """The address of another page of the same list, with the same filters."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
