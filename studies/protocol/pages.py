"""The pages that annotators go through: consent, texts, questionnaires, stock plugins, practice, and the trials."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from studies.protocol.faults import Fault, refuse
from studies.protocol.part import NOT_BLANK, Key, KnownTrial, Line, Markdown, Part

WrittenMarkdown = Annotated[str, StringConstraints(min_length=1, max_length=50_000, pattern=NOT_BLANK)]

# The kinds of field that have a setting of their own; the others take it as a mistake.
KINDS_OF_SETTING = {
    "options": ("choice", "choices"),
    "screen_out": ("choice", "choices"),
    "minimum": ("number",),
    "maximum": ("number",),
    "low": ("scale",),
    "high": ("scale",),
    "points": ("scale",),
    "longest": ("text", "textarea"),
}


class FormField(Part):
    """A question of a questionnaire. Answers among `screen_out` end the participation as screened out."""

    name: Key
    label: Line
    kind: Literal["text", "textarea", "number", "choice", "choices", "scale"] = "text"
    help: Annotated[str, StringConstraints(max_length=1000)] = ""
    required: bool = True
    options: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    minimum: float | None = None
    maximum: float | None = None
    low: Annotated[str, StringConstraints(max_length=100)] = ""
    high: Annotated[str, StringConstraints(max_length=100)] = ""
    points: Annotated[int, Field(ge=2, le=11)] = 5
    longest: Annotated[int, Field(ge=1, le=5000)] = 500
    screen_out: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "FormField":
        faults = [
            Fault((setting,), f"a field of the kind {self.kind} has none", f"set kind to {' or '.join(kinds)}")
            for setting, kinds in KINDS_OF_SETTING.items()
            if setting in self.model_fields_set
            and self.kind not in kinds
            # Written out as the default, as stored documents have it, a setting says nothing.
            and getattr(self, setting) != type(self).model_fields[setting].default
        ]
        if self.kind in ("choice", "choices") and len(self.options) < 2:
            faults.append(Fault(("options",), f"a {self.kind} needs two or more", "list them"))
        if len(set(self.options)) < len(self.options):
            faults.append(Fault(("options",), f"{_twice(self.options)!r} comes twice", "name each option once"))
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            faults.append(Fault(("minimum",), f"is above the maximum {self.maximum:g}", "swap them"))
        if self.kind in ("choice", "choices"):
            unknown = [answer for answer in self.screen_out if answer not in self.options]
            if unknown:
                faults.append(Fault(("screen_out",), f"{unknown[0]!r} is not among the options", "spell it as there"))
            elif self.options and set(self.screen_out) == set(self.options):
                faults.append(Fault(("screen_out",), "nobody could go on", "leave out the options that may take part"))
        refuse("field", faults)
        return self


class Consent(Part):
    """Asks for consent. `markdown` is what is consented to; `version` is the researchers' own name for the wording."""

    kind: Literal["consent"]
    key: Key = "consent"
    title: Line
    markdown: WrittenMarkdown
    version: Line = "1"
    accept: Line | None = None
    decline: Line | None = None


class Text(Part):
    """Instructions, a debriefing or anything else to read.

    After the trials, one that is for everybody (`always`) is also shown to those who do not come to it: who is sent
    away after answering trials, and who withdraws.
    """

    kind: Literal["text"]
    key: Key
    title: Line
    markdown: WrittenMarkdown
    button: Line | None = None
    least_seconds: Annotated[float, Field(ge=0, le=600)] = 0
    always: bool = False


class Questionnaire(Part):
    """A form, shown through a jsPsych survey plugin."""

    kind: Literal["questionnaire"]
    key: Key
    title: Line
    markdown: Markdown = ""
    fields: Annotated[tuple[FormField, ...], Field(min_length=1, max_length=100)]
    button: Line | None = None

    @model_validator(mode="after")
    def _check(self) -> "Questionnaire":
        names = [field.name for field in self.fields]
        refuse(
            "questionnaire",
            [
                Fault(("fields", place, "name"), f"{name!r} was used before", "give each field a name of its own")
                for place, name in enumerate(names)
                if name in names[:place]
            ],
        )
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
    markdown: Markdown = ""
    trials: Annotated[tuple[KnownTrial, ...], Field(max_length=50)] = ()
    make: Annotated[int, Field(ge=0, le=20)] = 0
    pass_correct: Annotated[int, Field(ge=0)] = 0
    most_rounds: Annotated[int, Field(ge=1, le=10)] = 3

    @model_validator(mode="after")
    def _check(self) -> "Practice":
        count = len(self.trials) + self.make
        faults = []
        if count == 0:
            faults.append(Fault(("make",), "a practice needs at least one trial", "set make, or name some as trials"))
        elif self.pass_correct > count:
            faults.append(
                Fault(("pass_correct",), f"{self.pass_correct} of {count} cannot be right", f"ask for at most {count}")
            )
        faults += known_twice(self.trials)
        refuse("practice", faults)
        return self


class Trials(Part):
    """Marks where the trials come among the pages."""

    kind: Literal["trials"]
    key: Key = "trials"


Page = Annotated[Consent | Text | Questionnaire | Plugin | Practice | Trials, Field(discriminator="kind")]


def known_twice(trials: tuple[KnownTrial, ...]) -> list[Fault]:
    """Return a fault for each trial that is named a second time."""
    names = [known.trial for known in trials]
    return [
        Fault(("trials", place, "trial"), f"{name!r} was named before", "name each trial once")
        for place, name in enumerate(names)
        if name in names[:place]
    ]


def _twice(items: tuple[str, ...]) -> str:
    return next(item for place, item in enumerate(items) if item in items[:place])
