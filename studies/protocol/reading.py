"""Reading a protocol from TOML. Everything that is wrong is told at once, by place, problem and remedy."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from studies.json_values import DEEPEST, json_fault
from studies.protocol.faults import Fault, ProtocolError, Step
from studies.protocol.part import NOT_BLANK, Part
from studies.protocol.spec import ProtocolSpec

LONGEST = 300_000
# A dot that could stand between two parts of a key. Reading a key takes the square of its parts.
KEY_DOT = re.compile(r"[\w\"'-][ \t]*+\.(?=[ \t]*+[\w\"'-])")
MOST_KEY_DOTS = 500
MOST_FAULTS = 100

# What pydantic calls a value of another type -> what is to be written.
TYPES = {
    "string_type": "a text, in quotes",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "bool_type": "true or false, without quotes",
    "tuple_type": "a list, in square brackets",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
    "model_attributes_type": "a table of keys",
}


def read_protocol(text: str, name: str) -> ProtocolSpec:
    """Return the protocol that a TOML text describes. `name` stands for the text in errors, e.g. its file name.

    Raises ProtocolError with every fault that can be told, up to `MOST_FAULTS`.
    """
    if len(text) > LONGEST:
        raise ProtocolError(name, [Fault((), f"has more than {LONGEST} characters", "shorten its texts")])
    for number, line in enumerate(text.split("\n"), start=1):
        if len(KEY_DOT.findall(line)) > MOST_KEY_DOTS:
            problem = f"line {number} has more than {MOST_KEY_DOTS} dots between words"
            raise ProtocolError(name, [Fault((), problem, "break it into several lines")])
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem = f"cannot be read as TOML ({error})"
        raise ProtocolError(name, [Fault((), problem, "correct the text at that place")]) from error
    faults = [*islice(_unstorable(document, ()), MOST_FAULTS)]
    if faults:
        raise ProtocolError(name, faults)
    if "pages" not in document:
        # A file that says nothing about pages is more likely unfinished than meant to be the smallest protocol.
        document["pages"] = []
    try:
        return ProtocolSpec.from_document(document)
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if not _is_echo(detail)]
        faults = [_fault(detail) for detail in details[:MOST_FAULTS]]
        if len(details) > MOST_FAULTS:
            faults.append(Fault((), f"has {len(details) - MOST_FAULTS} faults more", "correct these first"))
        raise ProtocolError(name, faults) from error


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because its items are faulty."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _unstorable(value: object, place: tuple[Step, ...]) -> Iterator[Fault]:
    """Yield a fault for each value that TOML has and JSON has not, or that not every database could store."""
    if len(place) > DEEPEST:
        yield Fault(place[:3], f"tables and lists may be nested at most {DEEPEST} deep", "write it more simply")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unstorable(item, (*place, key))
            if (problem := json_fault(key)) is not None:
                yield Fault((*place, key), problem, "rename the key")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unstorable(item, (*place, number))
    elif isinstance(value, datetime | date | time):
        yield Fault(place, f"{value.isoformat()} is a date or time", "write it in quotes, as a text")
    elif (problem := json_fault(value)) is not None:
        yield Fault(place, problem, "remove it")


def _fault(detail: ErrorDetails) -> Fault:
    place, parts = _walked(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    value = detail["input"]
    if kind == "fault":
        return Fault(place, context["problem"], context["remedy"])
    if kind == "extra_forbidden":
        key = str(place[-1])
        known = sorted({name for part in parts for name in part.model_fields})
        return Fault(place, f"unknown key {key!r}", _meant(key, known) or f"use one of {', '.join(known)}")
    if kind in ("missing", "union_tag_not_found"):
        if kind == "union_tag_not_found":
            place = (*place, "kind")
        options = _options_of(place[-1], parts)
        return Fault(place, "is missing", f"use one of {', '.join(options)}" if options else "add it")
    if kind in ("literal_error", "union_tag_invalid"):
        if kind == "union_tag_invalid":
            place, value = (*place, "kind"), context["tag"]
        options = _options_of(place[-1], parts)
        meant = _meant(str(value), options)
        return Fault(place, f"unknown value {value!r}", meant or f"use one of {', '.join(options)}")
    if kind in TYPES:
        return Fault(place, f"{_shown(value)} has the wrong type", f"write {TYPES[kind]}")
    if kind in ("too_short", "string_too_short") or context.get("pattern") == NOT_BLANK:
        return Fault(place, "is empty", "fill it in")
    if kind == "string_pattern_mismatch":
        # Codes have capital letters, keys have not.
        letters = "letters" if "A-Z" in context["pattern"] else "lower-case letters"
        most = 64 if "A-Z" in context["pattern"] else 60
        return Fault(place, f"{_shown(value)} cannot be used", f"use at most {most} {letters}, digits, - and _")
    return Fault(place, f"{_shown(value)} is refused ({_plain(detail['msg'])})", _remedy(kind, context))


def _walked(location: Sequence[Step]) -> tuple[tuple[Step, ...], list[type[Part]]]:
    """Return the place as the file has it, and the parts that may hold its last step.

    pydantic names the kind of a page as a step of its own, which the file has not.
    """
    place: list[Step] = []
    parts: list[type[Part]] = [ProtocolSpec]
    holders = parts
    for step in location:
        if isinstance(step, int):
            place.append(step)
            continue
        of_kind = [part for part in parts if _kind_of(part) == step]
        if of_kind and place and isinstance(place[-1], int):
            parts = holders = of_kind
            continue
        holders = parts
        place.append(step)
        parts = [
            inner
            for part in parts
            if step in part.model_fields
            for inner in _parts_in(part.model_fields[step].annotation)
        ]
    ends_in_list = bool(place) and isinstance(place[-1], int)
    return tuple(place), parts if ends_in_list else holders


def _kind_of(part: type[Part]) -> str | None:
    field = part.model_fields.get("kind")
    options = get_args(field.annotation) if field is not None and field.is_required() else ()
    return str(options[0]) if len(options) == 1 else None


def _parts_in(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts_in(inner)]


def _options_of(step: Step, parts: Sequence[type[Part]]) -> list[str]:
    """Return the values that a key may have, if they are counted out."""
    options: dict[str, None] = {}
    for part in parts:
        field = part.model_fields.get(str(step))
        if field is not None:
            options |= dict.fromkeys(_literals(field.annotation))
    return list(options)


def _literals(annotation: Any) -> list[str]:
    found = []
    for inner in get_args(annotation):
        if isinstance(inner, str | int):
            found.append(str(inner))
        elif inner is not type(None):
            found += _literals(inner)
    return found


def _meant(word: str, known: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"? (known: {", ".join(known)})' if close else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _remedy(kind: str, context: Mapping[str, Any]) -> str:
    bounds = {
        "greater_than": "more than {gt}",
        "greater_than_equal": "{ge} or more",
        "less_than": "less than {lt}",
        "less_than_equal": "{le} or less",
    }
    if kind in bounds:
        return f"give {bounds[kind].format(**context)}"
    if kind in ("string_too_long", "too_long"):
        return f"shorten it to at most {context['max_length']}"
    return "correct it"
