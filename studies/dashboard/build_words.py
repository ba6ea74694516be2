"""What is noted of builds, in the language of the page.

Errors, logs and what workers are at are kept in English: they are written by processes that serve no page, and are read
in files, in the API and by people of several languages. On a page, what Harmony itself noted is known again by its form
and said in the page's language. All else was said by a library, a machine or the rest of the offline module, which
has no translations: it is shown as it is, and marked as English.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from studies import numbers

LOSSES = ("no sign of life", "it ended, and did not", "it was said to be done", "the process ")
NUMBERS = ("number", "seconds", "first", "last", "done", "all", "pairs", "conditions", "files", "most", "fewer")
FORMS: Mapping[str, str] = {
    "step": r"(?:plan|merge|import|(?:finetune|chunk):\S+)",
    "loss": rf"(?:{'|'.join(map(re.escape, LOSSES))}).*",
    "worker": r"\S+|nobody known|the worker with process \d+",
    "error": r".+",
    "english": r".+",
    "file": r"[^:]+",
    "key": r"[\w.\[\]-]+",
    "limit": r"[\w.+-]+",
    "meant": r"'[^']+'",
    "given": r".+",
    "line": r"\d+",
    "column": r"\d+",
    **dict.fromkeys(NUMBERS, r"-?\d[\d,]{0,15}"),
}
"""What may stand in a place of this name; anything in others."""
DEEPEST = 4
"""How many errors may stand in each other: what others say may be of any form."""
PLACE = re.compile(r"\{(\w+)\}")


class Phrases:
    """Texts with places for values, by their English form; of those that a text fits the first one counts."""

    def __init__(self, *texts: str | Promise) -> None:
        self.texts = texts

    @cached_property
    def forms(self) -> list[re.Pattern[str]]:
        with override("en"):
            return [self._form(str(text)) for text in self.texts]

    @staticmethod
    def _form(english: str) -> re.Pattern[str]:
        parts = enumerate(PLACE.split(english))
        return re.compile(
            "".join(f"(?P<{part}>{FORMS.get(part, '.+?')})" if place % 2 else re.escape(part) for place, part in parts)
        )

    def find(self, text: str) -> tuple[str, dict[str, str]] | None:
        """Return the phrase in the active language, and what stands in its places; None where no phrase fits."""
        for phrase, form in zip(self.texts, self.forms, strict=True):
            if (match := form.fullmatch(text)) is not None:
                return str(phrase), match.groupdict()
        return None


# Of lines that fit several of these the first one counts. `{error}` may be any of these, or English.
NOTES = Phrases(
    # What became of a step.
    _("{error}; done again"),
    _("{error}; tried again in {seconds} s"),
    _("whoever did it was gone {number} times:"),
    _("Look into the log of these workers (memory is the usual reason), then try again: what is finished is kept."),
    _("Take the image out of the data set, or mend it, then try again: what is finished is kept."),
    _("This was tried {number} times. Try again once the cause is gone: what is finished is kept."),
    _("This is a fault of the program (seen {number} times, last by {worker})."),
    _("This is a fault of the program, or somebody changed the storage."),
    _("{step} (images {first} to {last} of {condition}): {error}"),
    "{step}: {error}",
    _("no sign of life for {seconds} s"),
    _("it ended, and did not say how"),
    _("it was said to be done, and its output is not in the storage"),
    _("the process was ended by signal {number}"),
    _("the process ended with status {number}"),
    _("the process was ended by signal {number}; its last words:"),
    _("the process ended with status {number}; its last words:"),
    _("It was ended in: {english}"),
    _("its process was ended before, in: {english}"),
    _("its process was ended each time that it was tried {english}"),
    # What became of the process that does a whole build.
    _("The process that did this build was ended from outside. Try again: it goes on from what is finished."),
    _("The process that did this build has ended with this fault of the program."),
    _("no process can be started on this machine: {error}"),
    _(
        "Builds on this machine need torch: install it with bin/install all, or have builds done by workers "
        "(HARMONY_BUILD_WORKER=true, docs/builds.md)."
    ),
    # What became of the import.
    _("the bundle cannot be unpacked: {error}"),
    _("the bundle is not in the storage ({error})"),
    _("owner: whoever started this build is no researcher any more; start a new build"),
    _("owner: whoever started this build has no account any more; start it again"),
    # Lines of the log.
    _("queued"),
    _("cancelled by {name}"),
    _("tried again by {name} (attempt {number})"),
    _("{done} of {all} conditions were fine-tuned already"),
    _("{done} of {all} chunks of images were there already"),
    _("{number} steps of which nothing was heard are done"),
    _("the study {name} is loaded"),
    # Configs that are refused for what would become of them.
    _("{file}: is longer than {number} KiB: leave out what is no setting"),
    _("{file}: lists or tables lie too deep in each other: write them flat"),
    _(
        "{file}: pairs: {pairs} in {conditions} conditions make up to {files} pictures, and a study may have {most}: "
        "take at most {fewer} pairs, or fewer metrics, attributors or networks"
    ),
    # What the check of configs says most often.
    _("{file}: {key}: missing: add it"),
    _("{file}: {key}: unknown key: did you mean {meant}? (known: {known})"),
    _("{file}: {key}: unknown key: (known: {known})"),
    _("{file}: {key}: Input should be greater than or equal to {limit} (here: {given})"),
    _("{file}: {key}: Input should be greater than {limit} (here: {given})"),
    _("{file}: {key}: Input should be less than or equal to {limit} (here: {given})"),
    _("{file}: {key}: Input should be less than {limit} (here: {given})"),
    _("{file}: {key}: Input should be a valid integer (here: {given})"),
    _("{file}: {key}: Input should be a valid number (here: {given})"),
    _("{file}: {key}: Input should be a valid string (here: {given})"),
    _("{file}: {key}: use lower-case letters, digits and single hyphens, for example 'my-study' (here: {given})"),
    _("{file}: {key}: {names} stands twice: give each its own `label` or drop one"),
    _("{file}: {key}: annotators read it, and it says {word}: say nothing of the conditions"),
    _("{file}: network: stands beside networks: keep [network] for one, [[networks]] for several"),
    _("{file}: {key}: the environment variable {name} is not set: set it, or write the path"),
    _("{file}: not valid TOML: {english} (at line {line}, column {column})"),
    _("{file}: not valid TOML: {english}"),
    # Who it was, in the errors of a step that was lost.
    "{worker}: {loss}",
)
WORK = Phrases(
    _("loading"),
    _("decoding images"),
    _("answers of the original network"),
    _("trying every condition"),
    _("trying attributors on {name}"),
    _("checking maps"),
    _("scoring maps"),
    _("packing the bundle"),
    _("{condition}: fine-tuning"),
    _("{condition}: scoring"),
    _("{condition}: gathering"),
    _("{condition}: pairs"),
)
LEFT_OUT = Phrases(
    _("original network wrong"),
    _("more than wanted"),
    _("{condition} map not finite"),
    _("{condition} wrong"),
)
PEOPLE = Phrases(_("nobody known"), _("the command line"), _("somebody erased"))
SPLITS = Phrases(_("train"), _("validation"), _("export"))


def told(text: str) -> SafeString:
    """Return an error or a line of the log in the page's language, with what is in English marked as such."""
    if _is_english():
        return conditional_escape(text)
    parts: list[SafeString] = []
    english: list[str] = []
    for line in text.split("\n"):
        known = _note(line)
        if known is None:
            english.append(line)
            continue
        parts += [*_together(english), known]
        english = []
    return format_html_join("\n", "{}", ((part,) for part in [*parts, *_together(english)]))


def told_shortly(text: str, phrases: Phrases) -> str:
    """Return a few words in the page's language where they are one of these phrases, and otherwise as they are."""
    found = None if _is_english() else phrases.find(text)
    if found is None:
        return text
    phrase, values = found
    return phrase.format(**{name: _value(name, value) for name, value in values.items()})


def _note(line: str, depth: int = 0) -> SafeString | None:
    found = NOTES.find(line) if depth < DEEPEST else None
    if found is None:
        return None
    phrase, values = found
    if not values:
        return conditional_escape(phrase)
    return format_html(phrase, **{name: _shown(name, value, depth) for name, value in values.items()})


def _shown(name: str, value: str, depth: int) -> str:
    if name in ("error", "loss"):
        return _note(value, depth + 1) or _english(value)
    return _english(value) if name == "english" else _value(name, value)


def _value(name: str, value: str) -> str:
    if name in NUMBERS:
        return numbers.whole(int(value.replace(",", "")))
    return told_shortly(value, PEOPLE) if name in ("name", "worker") else value


def _together(lines: Sequence[str]) -> list[SafeString]:
    return [_english("\n".join(lines))] if lines else []


def _english(text: str) -> SafeString:
    return format_html('<span lang="en">{}</span>', text)


def _is_english() -> bool:
    return get_language() in (None, "en")
