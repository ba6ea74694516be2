"""Writing a protocol as TOML that reads back to the same protocol."""

import json
import re
from collections.abc import Mapping
from typing import Any

from studies.protocol.spec import ProtocolSpec

BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def write_protocol(spec: ProtocolSpec) -> str:
    """Return the protocol as TOML, without what is at its default."""
    document = {"format": spec.format, **spec.model_dump(mode="json", exclude_defaults=True)}
    # The list of pages has to be in every file; the kind of a page is what sets it apart.
    document["pages"] = [
        {"kind": page.kind, **page.model_dump(mode="json", exclude_defaults=True)} for page in spec.pages
    ]
    return "\n".join(_table(document, ())).strip() + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a table: first its own values, then the tables in it, as TOML asks."""
    values = {key: value for key, value in table.items() if not _is_tables(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    for key, value in table.items():
        if key in values:
            continue
        inner = (*path, key)
        name = ".".join(_key(step) for step in inner)
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_table(value, inner)]
        else:
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, inner)]
    return lines


def _is_tables(value: Any) -> bool:
    """Whether a value is written under headings of its own: a table, or a list of nothing but tables."""
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if BARE_KEY.match(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _long_text(value) if "\n" in value else _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())} }}" if value else "{}"
    return repr(value)


def _text(text: str) -> str:
    # JSON escapes as TOML does, but for DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _long_text(text: str) -> str:
    """Return a text over several lines as it looks, with backslashes and quotes escaped."""
    lines = [_text(line)[1:-1] for line in text.split("\n")]
    # The line break right after the opening quotes belongs to the notation.
    return '"""\n' + "\n".join(lines) + '"""'
