"""Texts made safe to show: a name must neither steer the terminal nor run in a spreadsheet, an error tell a secret."""

import re
import unicodedata
from collections.abc import Iterator

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Users and passwords in the addresses of brokers and storages, some with an @ themselves, and keys that errors of
# storages repeat.
_SECRETS = re.compile(
    r"(?<=://)[^/\s'\"]*(?=@)|(?<=AWSAccessKeyId=)[^&\s]+|(?<=Signature=)[^&\s]+|(?<=X-Amz-Credential=)[^&\s]+"
)


def printable(text: str, keep: str = "") -> str:
    """The text with control characters, lone surrogates and the like as escapes, except the characters in `keep`."""
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def without_secrets(text: str) -> str:
    """The text with passwords in addresses and keys of storages as `***`."""
    return _SECRETS.sub("***", text)


def no_formula(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would take it for a formula."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def with_control_characters(content: object, key: str = "", keep: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Key and text of all that has control characters within lists and tables; those of `keep` may have new lines."""
    if isinstance(content, dict):
        for name, value in content.items():
            inner = f"{key}.{name}".lstrip(".")
            yield from with_control_characters(name, inner)
            yield from with_control_characters(value, inner, keep)
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from with_control_characters(value, f"{key}[{index}]", keep)
    elif isinstance(content, str):
        free = content.replace("\n", "") if key in keep else content
        if any(unicodedata.category(letter) == "Cc" for letter in free):
            yield key, content
