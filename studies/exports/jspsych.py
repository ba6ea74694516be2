"""Sessions as jsPsych itself would have saved them: for each annotator an array of trial objects."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from studies.exports.columns import names, places
from studies.exports.pages import page_records
from studies.exports.responses import by_annotator
from studies.exports.writing import json_bytes, plain
from studies.models import Participation, Study

# jsPsych's own names for what the tables have as well; and what is the same for all trials of a session.
_RENAMED = {"rt_ms": "rt", "given": "response", "image": "stimulus", "annotator": "subject_id"}
_PLUGIN = "harmony-forced-choice"
CHUNK = 2000


def jspsych_chunks(study: Study) -> Iterator[bytes]:
    """Yield `{"A01": [trial, ...], ...}` in pieces: pages, practice and trials in the order of time.

    A trial object has jsPsych's `trial_type`, `trial_index`, `time_elapsed` (ms since the annotator began), `rt`,
    `response` and `stimulus`, and the other columns of the answers under their names. Memory is needed for one
    annotator at a time.
    """
    participations = (
        Participation.objects.filter(study=study, is_preview=False)
        .order_by("pk")
        .values_list("pk", "code", "started_at", "created_at")
        .iterator(chunk_size=CHUNK)
    )
    answers = _Groups(by_annotator(study, with_practice=True))
    pages = _Groups((record[0], record) for record in page_records(study))
    columns = [_RENAMED.get(name, name) for name in names("responses")]
    at = places("responses")["answered_at"]
    first = True
    for pk, code, started_at, created_at in participations:
        events = [(row[at], _trial(columns, row)) for row in answers.of(pk)]
        events += [(record[-1], _page(code, record)) for record in pages.of(pk)]
        if not events:
            continue
        events.sort(key=itemgetter(0))
        began = started_at or created_at
        trials = [
            {
                "trial_type": event.pop("trial_type"),
                "trial_index": index,
                "time_elapsed": round((time - began).total_seconds() * 1000),
                **event,
            }
            for index, (time, event) in enumerate(events)
        ]
        yield (b"{" if first else b",\n") + json_bytes(code) + b":" + json_bytes(trials)
        first = False
    yield b"{}\n" if first else b"}\n"


class _Groups:
    """The members of groups that come one behind the other, in the order of their keys, which are numbers."""

    def __init__(self, members: Iterator[tuple[int, Any]]) -> None:
        self._groups = groupby(members, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, key: int) -> list[Any]:
        """Return the members of a group; keys must be asked for in their order."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return []
        members = [member for _, member in self._next[1]]
        self._next = next(self._groups, None)
        return members


def _trial(columns: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    return {"trial_type": _PLUGIN, **{name: plain(value) for name, value in zip(columns, row, strict=True)}}


def _page(code: str, record: tuple[Any, ...]) -> dict[str, Any]:
    _, key, kind, answers, _, seconds, completed_at = record
    return {
        "trial_type": f"harmony-{kind}",
        "rt": None if seconds is None else seconds * 1000,
        "response": answers,
        "stimulus": key,
        "subject_id": code,
        "answered_at": plain(completed_at),
    }
