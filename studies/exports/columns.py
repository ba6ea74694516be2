"""Every column of every exported table, described once.

CSV headers, the Parquet schema, the data dictionary and the metadata of Psych-DS are all made from here. A name that
stands in several tables is the same column in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from studies.models import Assignment
from studies.services.plausibility import FLAGS

__all__ = ["COLUMNS", "ROW_OF", "Column", "Kind", "names", "places"]

# text, integer and number are themselves; a truth is 1 or 0 in CSV; a time is in UTC.
Kind = Literal["text", "integer", "number", "truth", "time"]
Levels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what its values are, and what they say. `levels` names all values there are."""

    name: str
    kind: Kind
    description: str
    unit: str = ""
    levels: Levels = field(default_factory=dict)


GIVEN: Levels = {
    "left": "the map on the left",
    "right": "the map on the right",
    "neither": "neither of the two",
    "equal": "both are equally good",
    "both_bad": "both are bad",
    "timeout": "no answer within the time limit",
}
CHOICE: Levels = {
    "original": "the map from before fine-tuning",
    "finetuned": "the map from after fine-tuning",
    **{name: text for name, text in GIVEN.items() if name not in ("left", "right")},
}
EXPECTED: Levels = {name: CHOICE[name] for name in ("original", "finetuned", "neither")}
KIND: Levels = {
    "main": "a trial of the study",
    "catch": "a trial with a known answer, hidden among the others",
    "repeat": "a trial shown again to the same annotator, with the sides swapped",
    "practice": "a trial with feedback before the others",
}
STATE: Levels = {
    "active": "has not come to the end",
    "completed": "came to the end",
    "failed_checks": "was stopped by a quality rule or failed the practice",
    "screened_out": "gave an answer that screens out",
    "over_quota": "came when all places were taken",
    "withdrawn": "stopped, and left the answers here",
}
SOURCE: Levels = {
    "account": "an account on this site",
    "invitation": "a link for one person",
    "open": "a link for many",
    "prolific": "Prolific",
}
PAGE_KIND: Levels = {
    "consent": "asks for consent",
    "text": "something to read",
    "questionnaire": "a form",
    "plugin": "a page made by a jsPsych plugin",
    "practice": "the practice trials",
    "trials": "stands for all trials; written when the last one is answered",
}

STUDY = Column("study", "text", "The study's short name.")
SIMULATED = Column("simulated", "truth", "Whether the annotators of the study are simulated by a program.")
ANNOTATOR = Column("annotator", "text", "The annotator's code, which stands for one person in this study.")
ANNOTATOR_STATE = Column("state", "text", "What became of the annotator's part.", levels=STATE)
EXCLUDED = Column("excluded", "truth", "Whether the annotator's answers are left out of the analysis.")
PROTOCOL_VERSION = Column(
    "protocol_version", "integer", "The version of the protocol the annotator has; empty without a protocol."
)
TRIAL = Column("trial", "text", "The trial's key: one pair of maps of one image.")
IMAGE = Column("image", "text", "The name of the image.")
LABEL = Column("label", "text", "The image's class.")
DATASET = Column("dataset", "text", "The data set the image is from.")
METRIC = Column("metric", "text", "The explanation metric the network was fine-tuned on.")
NETWORK = Column("network", "text", "The network.")
ATTRIBUTOR = Column("attributor", "text", "The attribution method that made both maps.")
DIRECTION = Column(
    "direction",
    "text",
    "Which scores of the metric are better.",
    levels={"higher": "higher scores", "lower": "lower scores"},
)
SCORE_ORIGINAL = Column(
    "score_original", "number", "The metric's score of the map from before fine-tuning; empty if undefined."
)
SCORE_FINETUNED = Column(
    "score_finetuned", "number", "The metric's score of the map from after fine-tuning; empty if undefined."
)
WANTED = Column(
    "expected", "text", "The right choice of a catch or practice trial; empty for the others.", levels=EXPECTED
)
HAS_DECOY = Column("has_decoy", "truth", "Whether a scrambled map was shown in place of the one that is not expected.")

PERSON = (STUDY, SIMULATED, ANNOTATOR, ANNOTATOR_STATE, EXCLUDED, PROTOCOL_VERSION)
"""What is told of an annotator with each of the answers."""
SHOWN = (
    TRIAL,
    IMAGE,
    LABEL,
    DATASET,
    METRIC,
    NETWORK,
    ATTRIBUTOR,
    DIRECTION,
    SCORE_ORIGINAL,
    SCORE_FINETUNED,
    WANTED,
    HAS_DECOY,
)
"""What is told of a trial with each of the answers."""

TIMING = (
    Column("painted_at_ms", "number", "When the pictures were on the screen, by the browser's clock.", "ms since 1970"),
    Column("pressed_at_ms", "number", "When the answer was given, by the browser's clock.", "ms since 1970"),
    Column("gap_ms", "number", "From the answer before to the pictures of this trial.", "ms"),
    Column("decode_ms", "number", "How long the browser took to decode the pictures.", "ms"),
    Column("frame_ms", "number", "The time between the two frames that painted the pictures.", "ms"),
    Column("handler_delay_ms", "number", "From the answer to its being noticed by the page.", "ms"),
    Column("input", "text", "What the answer was given with, by the browser: keyboard, mouse, touch, pen or none."),
    Column("viewport_width", "number", "The width of the window.", "CSS pixels"),
    Column("viewport_height", "number", "The height of the window.", "CSS pixels"),
    Column("device_pixel_ratio", "number", "Pixels of the screen for each CSS pixel."),
    Column("showings", "integer", "How often the trial was put on the screen until it was answered."),
    Column("hidden", "integer", "How often the page went out of sight during the trial."),
    Column("hidden_ms", "number", "How long the page was out of sight during the trial.", "ms"),
    Column("covered", "integer", "How often the window was too small to show the trial."),
    Column("covered_ms", "number", "How long the window was too small to show the trial.", "ms"),
    Column("blurred", "integer", "How often the window lost the focus during the trial."),
    Column("masked_ms", "number", "When the pictures were taken off after their presentation time.", "ms"),
    Column("selected_ms", "number", "When the map was chosen, where the confidence was given after it.", "ms"),
    Column("early", "integer", "How often an answer was tried before the least time."),
    Column("view", "text", "What was changed with the controls of the overlay, as JSON."),
    Column("timing_other", "text", "Whatever else the browser sent with the times, as JSON."),
)

ROW_OF: Mapping[str, str] = {
    "responses": "One row for each answer that stands; those of practice trials and of previews are left out.",
    "revisions": "One row for each answer that was ever given: also practice, and answers that were changed later.",
    "annotators": "One row for each annotator; previews are left out.",
    "pages": "One row for each answer on a page around the trials; a page without answers has one row.",
    "trials": "One row for each trial of the study.",
}
"""The tables, and what a row of each is."""

RESPONSES = (
    Column("row_id", "text", "A UUID that the browser made for this answer."),
    *PERSON,
    *SHOWN,
    Column("kind", "text", "What the trial was given as.", levels=KIND),
    Column("round", "integer", "The round of practice, from 1; 0 for every other trial."),
    Column("position", "integer", "The place of the trial among those given to the annotator, from 1."),
    Column("repeats_position", "integer", "Of a repeat, the position of the trial that it shows again."),
    Column(
        "side",
        "text",
        "On which side the map from after fine-tuning was.",
        levels={name: GIVEN[name] for name in Assignment.Side.values},
    ),
    Column("revision", "integer", "Which answer to this trial it is: 1 is the first."),
    Column("is_current", "truth", "Whether it is the last answer to this trial, which stands."),
    Column(
        "counts",
        "truth",
        "Whether the agreement report takes it as a judgement: the answer that stands, in time, to a main trial, from "
        "an annotator who is neither excluded nor has withdrawn.",
    ),
    Column("given", "text", "What was answered.", levels=GIVEN),
    Column("choice", "text", "What the answer stands for, given the side.", levels=CHOICE),
    Column("correct", "truth", "Whether the choice is the expected one; empty where none is expected."),
    Column("confidence", "integer", "How sure the annotator was, from 1; empty where it was not asked."),
    Column("reason", "text", "The annotator's own words; empty where none were written."),
    Column("rt_ms", "number", "From the pictures being on the screen to the answer, by the browser.", "ms"),
    Column("issued_at", "time", "When the server gave out the trial."),
    Column("answered_at", "time", "When the server stored the answer."),
    Column(
        "flags",
        "text",
        "What is implausible about the times, separated by spaces: "
        + "; ".join(f"{name}: {text}" for name, text in FLAGS.items())
        + ".",
    ),
    *TIMING,
)

RULES: Levels = {
    "catch_accuracy": "share of catch trials answered as expected",
    "repeat_consistency": "share of repeats answered as the first time",
    "total_seconds": "seconds from the first trial to the last answer",
    "median_rt_ms": "median reaction time in milliseconds",
    "fast_share": "share of fast answers",
    "longest_run": "longest run of the same answer",
    "neither_share": "share of answers without a preference",
    "focus_lost": "how often the page lost the focus",
}

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "responses": RESPONSES,
    "revisions": RESPONSES,
    "annotators": (
        *PERSON,
        Column("source", "text", "How the annotator came to the study.", levels=SOURCE),
        Column("excluded_because", "text", "Why the annotator is left out."),
        Column("joined_at", "time", "When the annotator was let in."),
        Column("started_at", "time", "When the annotator began."),
        Column("last_seen_at", "time", "When the annotator last did something."),
        Column("finished_at", "time", "When the annotator came to an end, whichever it was."),
        Column("answers_main", "integer", "Answers that stand, in time, to main trials."),
        Column("answers_catch", "integer", "Answers that stand, in time, to catch trials."),
        Column("answers_repeat", "integer", "Answers that stand, in time, to repeats."),
        Column("answers_practice", "integer", "Answers that stand, in time, to practice trials."),
        Column("timeouts", "integer", "Trials without an answer in time, practice left out."),
        Column("catch_correct", "integer", "Catch trials that were answered as expected."),
        *(
            Column(f"finding_{rule}", "number", f"Where this quality rule is broken: {text}; empty where it is not.")
            for rule, text in RULES.items()
        ),
        Column("breaks_exclude", "truth", "Whether a rule that is broken is one that excludes."),
    ),
    "pages": (
        *PERSON,
        Column("page", "text", "The page's key in the protocol."),
        Column("page_kind", "text", "What kind of page it is.", levels=PAGE_KIND),
        Column("field", "text", "The question's name; empty for a page without questions."),
        Column("part", "integer", "Counts from 1 where several options of one question were chosen."),
        Column("answer", "text", "The answer as text; lists and objects of jsPsych plugins as JSON."),
        Column("answer_number", "number", "The answer as a number, where it is one."),
        Column("text_digest", "text", "SHA-256 of the Markdown that was shown: which wording was agreed to."),
        Column("shown_seconds", "number", "How long the page was on the screen, by the browser.", "s"),
        Column("completed_at", "time", "When the server stored the page."),
    ),
    "trials": (
        STUDY,
        *SHOWN,
        Column(
            "trial_kind",
            "text",
            "What the trial is for.",
            levels={name: KIND[name] for name in ("main", "catch", "practice")},
        ),
        Column("retired", "truth", "Whether the trial belongs to an earlier version of the protocol."),
        Column("target", "text", "The class that the maps explain."),
        Column("prediction_original", "text", "What the network answered before fine-tuning."),
        Column("prediction_finetuned", "text", "What the network answered after fine-tuning."),
        Column("confidence_original", "number", "The network's confidence in its answer before fine-tuning."),
        Column("confidence_finetuned", "number", "The network's confidence in its answer after fine-tuning."),
        Column("wanted", "integer", "How many annotators are wanted; empty for catch and practice trials."),
        *(
            Column(f"judged_{choice}", "integer", f"Judgements that count: {text}.")
            for choice, text in CHOICE.items()
            if choice != "timeout"
        ),
    ),
}
"""The columns of each table, in their order."""


def names(table: str) -> tuple[str, ...]:
    """Return the names of a table's columns."""
    return tuple(column.name for column in COLUMNS[table])


def places(table: str) -> dict[str, int]:
    """Return where each column of a table stands in its rows."""
    return {name: place for place, name in enumerate(names(table))}
