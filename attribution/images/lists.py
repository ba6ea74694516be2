"""Text files that list names, one a line."""

from pathlib import Path

from attribution.errors import InputError


def read_list(path: Path, where: str) -> list[tuple[int, list[str]]]:
    """The words of every line that is neither empty nor a comment (``#``), with the line's number from 1.

    Raises InputError if the file is missing, not UTF-8 text, lists nothing, or lists a first word twice.
    """
    if not path.is_file():
        beside = sorted(other.name for other in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
        there = f"{path.parent} has {', '.join(beside)}" if beside else f"{path.parent} has no such file"
        raise InputError(f"{where}: {path} does not exist: {there}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: {path} is not text ({error}): save it as UTF-8") from error
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]
    listed = [(number, words) for number, words in lines if words and not words[0].startswith("#")]
    if not listed:
        raise InputError(f"{where}: {path} lists nothing: write one name a line")
    line_of: dict[str, int] = {}
    for number, words in listed:
        if words[0] in line_of:
            raise InputError(
                f"{where}: {path.name} lists {words[0]} in lines {line_of[words[0]]} and {number}: keep one"
            )
        line_of[words[0]] = number
    return listed
