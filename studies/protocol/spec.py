"""The protocol as frozen objects: pages, trials, catch trials, repeats, practice, quality rules and recruitment.

The file format is TOML with the same names (docs/protocol.md). Everything has a default but the list of pages, so that
a study without a protocol is run as the smallest one: its trials alone.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Share = Annotated[float, Field(ge=0, le=0.5)]
Ties = Literal["none", "neither", "equal_and_both_bad"]
Expected = Literal["original", "finetuned", "neither"]

OPTIONS_OF_TIES: dict[Ties, tuple[str, ...]] = {
    "none": (),
    "neither": ("neither",),
    "equal_and_both_bad": ("equal", "both_bad"),
}


class Part(BaseModel):
    """A part of a protocol: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FormField(Part):
    """A question of a questionnaire. Answers among `screen_out` end the participation as screened out."""

    name: Key
    label: Line
    kind: Literal["text", "textarea", "number", "choice", "choices", "scale"] = "text"
    help: str = ""
    required: bool = True
    options: tuple[Line, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    low: str = ""
    high: str = ""
    points: Annotated[int, Field(ge=2, le=11)] = 5
    longest: Annotated[int, Field(ge=1, le=5000)] = 500
    screen_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "FormField":
        if self.kind in ("choice", "choices") and len(self.options) < 2:
            raise ValueError(f"options: a {self.kind} needs two or more")
        if self.kind not in ("choice", "choices") and self.options:
            raise ValueError(f"options: a {self.kind} has none; use choice or choices")
        if len(set(self.options)) < len(self.options):
            raise ValueError("options: one comes twice")
        if self.kind != "number" and (self.minimum is not None or self.maximum is not None):
            raise ValueError("minimum, maximum: only a number has them")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum: larger than maximum")
        unknown = [answer for answer in self.screen_out if answer not in self.options]
        if unknown:
            raise ValueError(f"screen_out: {unknown[0]!r} is not among the options")
        return self


class Consent(Part):
    """Asks for consent. `markdown` is what is consented to; `version` is the researchers' own name for the wording."""

    kind: Literal["consent"]
    key: Key = "consent"
    title: Line
    markdown: Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
    version: Line = "1"
    accept: Line | None = None
    decline: Line | None = None


class Text(Part):
    """Instructions, a debriefing or anything else to read."""

    kind: Literal["text"]
    key: Key
    title: Line
    markdown: Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
    button: Line | None = None
    least_seconds: Annotated[float, Field(ge=0, le=600)] = 0


class Questionnaire(Part):
    """A form, shown through a jsPsych survey plugin."""

    kind: Literal["questionnaire"]
    key: Key
    title: Line
    markdown: Annotated[str, StringConstraints(max_length=50_000)] = ""
    fields: Annotated[tuple[FormField, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> "Questionnaire":
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("fields: a name comes twice")
        return self


class Plugin(Part):
    """A page made by a stock jsPsych plugin, e.g. `plugin = "survey-likert"`, with its own parameters."""

    kind: Literal["plugin"]
    key: Key
    title: Line
    plugin: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
    parameters: dict[str, Any] = Field(default_factory=dict)


class Practice(Part):
    """Practice trials with feedback, repeated until `pass_correct` of a round are right, at most `most_rounds` times.

    `trials` names trials of the study with the expected answer; `make` adds trials whose one map is scrambled.
    """

    kind: Literal["practice"]
    key: Key = "practice"
    title: Line
    markdown: Annotated[str, StringConstraints(max_length=50_000)] = ""
    trials: tuple["KnownTrial", ...] = ()
    make: Annotated[int, Field(ge=0, le=20)] = 0
    pass_correct: Annotated[int, Field(ge=0)] = 0
    most_rounds: Annotated[int, Field(ge=1, le=10)] = 3

    @model_validator(mode="after")
    def _check(self) -> "Practice":
        count = len(self.trials) + self.make
        if count == 0:
            raise ValueError("trials, make: a practice needs at least one trial")
        if self.pass_correct > count:
            raise ValueError(f"pass_correct: {self.pass_correct} of {count} trials cannot be right")
        return self


class Trials(Part):
    """Marks where the trials come among the pages."""

    kind: Literal["trials"]
    key: Key = "trials"


class KnownTrial(Part):
    """A trial of the study whose right answer the researchers know; `feedback` explains it after a practice trial."""

    trial: Line
    expected: Expected
    feedback: str = ""


Page = Annotated[Consent | Text | Questionnaire | Plugin | Practice | Trials, Field(discriminator="kind")]


class TrialSettings(Part):
    """How trials are given and shown. Times are in milliseconds; None: no limit."""

    annotators_per_trial: Annotated[int, Field(ge=1, le=10_000)] = 1
    per_annotator: Annotated[int, Field(ge=1)] | None = None
    conditions: Literal["interleaved", "blocked"] = "interleaved"
    ties: Ties = "neither"
    confidence: Literal[0, 3, 5] = 0
    reason: Literal["off", "optional"] = "off"
    undo: bool = False
    break_every: Annotated[int, Field(ge=0)] = 0
    show_for_ms: Annotated[int, Field(ge=50)] | None = None
    least_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    most_ms: Annotated[int, Field(ge=1000)] | None = None
    overlay_controls: bool = False

    @model_validator(mode="after")
    def _check(self) -> "TrialSettings":
        if self.most_ms is not None and self.most_ms <= self.least_ms:
            raise ValueError("most_ms: not above least_ms")
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """The answers that are offered, in the order in which they are shown."""
        return ("left", "right", *OPTIONS_OF_TIES[self.ties])


class Catch(Part):
    """Trials with a known answer among the others, never first. `share` is that of an annotator's trials."""

    share: Share = 0
    make: Annotated[int, Field(ge=0, le=1000)] = 0
    trials: tuple[KnownTrial, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "Catch":
        if self.share > 0 and self.make == 0 and not self.trials:
            raise ValueError("make, trials: there are no catch trials to show")
        return self


class Repeats(Part):
    """Trials shown a second time with the sides swapped, at least `distance` trials later."""

    share: Share = 0
    distance: Annotated[int, Field(ge=1)] = 10


class QualityRule(Part):
    """What an annotator is held to. `limit` is the least or the most that is allowed, as the rule says.

    The rule is looked at once there are `after` observations of what it counts.
    """

    rule: Literal[
        "catch_accuracy",
        "repeat_consistency",
        "total_seconds",
        "median_rt_ms",
        "fast_share",
        "longest_run",
        "neither_share",
        "focus_lost",
    ]
    limit: float
    action: Literal["flag", "exclude"] = "flag"
    after: Annotated[int, Field(ge=1)] = 1
    # Of fast_share: what counts as fast.
    fast_ms: Annotated[float, Field(gt=0)] = 300


class Prolific(Part):
    """Prolific's completion address, and a code for each outcome."""

    completion_url: str = "https://app.prolific.com/submissions/complete"
    completed: Line
    failed_checks: Line | None = None
    screened_out: Line | None = None
    over_quota: Line | None = None
    withdrawn: Line | None = None


class CompletionCodes(Part):
    """What annotators from elsewhere are shown at the end. Without `completed`, each gets a random code."""

    completed: Line | None = None
    failed_checks: Line | None = None
    screened_out: Line | None = None
    over_quota: Line | None = None


class Recruitment(Part):
    """How many people take part, and what they are sent back with.

    `places` counts the completed participations that are not excluded, and the live ones: active, and seen within
    `live_hours`.
    """

    places: Annotated[int, Field(ge=1)] | None = None
    live_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 3
    prolific: Prolific | None = None
    code: CompletionCodes | None = None


class Screen(Part):
    """The smallest window in which trials are shown, in CSS pixels."""

    least_width: Annotated[int, Field(ge=240, le=4000)] = 320
    least_height: Annotated[int, Field(ge=240, le=4000)] = 320


class ProtocolSpec(Part):
    """A whole protocol."""

    format: Literal["harmony-protocol/1"] = "harmony-protocol/1"
    language: Literal["en", "de"] | None = None
    title: Line | None = None
    question: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    pages: Annotated[tuple[Page, ...], Field(min_length=1)] = (Trials(kind="trials"),)
    trials: TrialSettings = TrialSettings()
    catch: Catch = Catch()
    repeats: Repeats = Repeats()
    quality: tuple[QualityRule, ...] = ()
    recruitment: Recruitment = Recruitment()
    screen: Screen = Screen()

    @model_validator(mode="after")
    def _check(self) -> "ProtocolSpec":
        kinds = [page.kind for page in self.pages]
        keys = [page.key for page in self.pages]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"pages: the key {twice!r} comes twice")
        if kinds.count("trials") != 1:
            raise ValueError("pages: exactly one page has the kind trials")
        if kinds.count("practice") > 1:
            raise ValueError("pages: at most one page has the kind practice")
        if "practice" in kinds and kinds.index("practice") > kinds.index("trials"):
            raise ValueError("pages: the practice comes before the trials")
        if kinds.count("consent") > 1 or "consent" in kinds[1:]:
            raise ValueError("pages: there is one consent, and it comes first")
        _check_rules(self.quality, self.catch, self.repeats)
        return self

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ProtocolSpec":
        """Return the protocol that a document, as read from TOML or JSON, describes; raises ValidationError."""
        return _parsed(json.dumps(document, sort_keys=True))

    def as_document(self) -> dict[str, Any]:
        """Return what `from_document` reads, ready for JSON."""
        document: dict[str, Any] = self.model_dump(mode="json")
        return document

    @property
    def practice(self) -> Practice | None:
        return next((page for page in self.pages if isinstance(page, Practice)), None)


def _check_rules(rules: Sequence[QualityRule], catch: Catch, repeats: Repeats) -> None:
    names = [rule.rule for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"quality: the rule {twice} comes twice")
    if "catch_accuracy" in names and catch.share == 0:
        raise ValueError("quality: catch_accuracy needs catch trials; set catch.share")
    if "repeat_consistency" in names and repeats.share == 0:
        raise ValueError("quality: repeat_consistency needs repeats; set repeats.share")


# Protocols are few and are asked for with every request.
@lru_cache(maxsize=256)
def _parsed(text: str) -> ProtocolSpec:
    # From JSON, where strictness takes a list for a tuple but no text for a number.
    return ProtocolSpec.model_validate_json(text)


Practice.model_rebuild()
ProtocolSpec.model_rebuild()
