"""What may be entered on a page: checked against the protocol, and put in the form in which it is stored."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studies import numbers
from studies.json_values import json_fault
from studies.protocol.spec import Consent, FormField, Page, Plugin, Questionnaire

LARGEST_PLUGIN_DATA = 32 * 1024

Answers = dict[str, Any]


class InvalidPageError(ValueError):
    """What was entered on a page cannot be accepted; `errors` maps a field to what is wrong with it."""

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__("; ".join(f"{field}: {error}" for field, error in errors.items()))
        self.errors = dict(errors)


class _AnswerError(ValueError):
    """One answer is not as its field asks."""


def checked_answers(page: Page, answers: Mapping[str, Any]) -> Answers:
    """Return the answers as they are stored; raises InvalidPageError with an entry for each that is not right.

    A consent is `{"accepted": true or false}`, a text has no answers, a plugin's are any object of a bounded size, and
    a questionnaire's are by the names of its fields: texts, numbers, an option, a list of options, or the point of a
    scale from 1. What an optional field leaves out is left out.
    """
    if isinstance(page, Questionnaire):
        return _of_questionnaire(page, answers)
    if isinstance(page, Plugin):
        return _of_plugin(answers)
    known = {"accepted"} if isinstance(page, Consent) else set()
    errors = _unknown(answers, known)
    if isinstance(page, Consent) and not isinstance(answers.get("accepted"), bool):
        errors["accepted"] = _("Please accept or decline.")
    if errors:
        raise InvalidPageError({"answers": errors})
    return dict(answers)


def screened_out_by(page: Page, answers: Mapping[str, Any]) -> str | None:
    """Return the name of the first field whose answer ends the participation; None if none does."""
    if not isinstance(page, Questionnaire):
        return None
    for field in page.fields:
        given = answers.get(field.name)
        chosen = given if isinstance(given, list) else [given]
        if any(answer in field.screen_out for answer in chosen):
            return field.name
    return None


def _of_questionnaire(page: Questionnaire, answers: Mapping[str, Any]) -> Answers:
    errors = _unknown(answers, {field.name for field in page.fields})
    checked: Answers = {}
    for field in page.fields:
        given = answers.get(field.name)
        if given is None or given == [] or (isinstance(given, str) and not given.strip()):
            if field.required:
                errors[field.name] = _("Please answer this question.")
            continue
        try:
            checked[field.name] = CHECKS[field.kind](field, given)
        except _AnswerError as error:
            errors[field.name] = str(error)
    if errors:
        raise InvalidPageError({"answers": errors})
    return checked


def _of_plugin(answers: Mapping[str, Any]) -> Answers:
    fault = json_fault(answers)
    if fault is None and len(json.dumps(answers)) > LARGEST_PLUGIN_DATA:
        fault = f"more than {LARGEST_PLUGIN_DATA} characters as JSON"
    if fault is not None:
        raise InvalidPageError({"answers": fault})
    return dict(answers)


def _unknown(answers: Mapping[str, Any], known: set[str]) -> dict[str, str]:
    # Names come from outside: a few, cut short, are enough to say what is wrong.
    return {str(name)[:60]: _("This page does not ask for it.") for name in [n for n in answers if n not in known][:5]}


def _text(field: FormField, given: object) -> str:
    if not isinstance(given, str):
        raise _AnswerError(_("This must be a text."))
    text = given.strip()
    if len(text) > field.longest:
        message = ngettext("At most %(most)d character.", "At most %(most)d characters.", field.longest)
        raise _AnswerError(message % {"most": field.longest})
    if field.kind == "text" and len(text.splitlines()) > 1:
        raise _AnswerError(_("Only one line, please."))
    return text


def _number(field: FormField, given: object) -> int | float:
    # True is an int to Python, and a whole number may be too large for any float.
    if isinstance(given, bool) or not isinstance(given, int | float) or json_fault(given) is not None:
        raise _AnswerError(_("This must be a number."))
    if not math.isfinite(given):
        raise _AnswerError(_("This must be a number."))
    if field.minimum is not None and given < field.minimum:
        raise _AnswerError(_("This must be %(least)s or more.") % {"least": numbers.plain(field.minimum)})
    if field.maximum is not None and given > field.maximum:
        raise _AnswerError(_("This must be %(most)s or less.") % {"most": numbers.plain(field.maximum)})
    return given


def _choice(field: FormField, given: object) -> str:
    if not isinstance(given, str) or given not in field.options:
        raise _AnswerError(_("Please choose one of the answers that are offered."))
    return given


def _choices(field: FormField, given: object) -> list[str]:
    if not isinstance(given, list) or any(not isinstance(one, str) or one not in field.options for one in given):
        raise _AnswerError(_("Please choose among the answers that are offered."))
    if len(set(given)) < len(given):
        raise _AnswerError(_("Each answer can be chosen once."))
    return [option for option in field.options if option in given]


def _scale(field: FormField, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= field.points:
        raise _AnswerError(_("Please choose a point from 1 to %(points)d.") % {"points": field.points})
    return given


CHECKS: Mapping[str, Callable[[FormField, object], Any]] = {
    "text": _text,
    "textarea": _text,
    "number": _number,
    "choice": _choice,
    "choices": _choices,
    "scale": _scale,
}
