"""What every benchmark shares: measuring things in turns, and printing what came out as a table.

A benchmark is a script with ``rows(...) -> list[Row]``; `print_table` shows them, and ``bin/bench``
writes all tables together.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, str | float]


def interleaved(
    functions: dict[str, Callable[[], object]],
    repetitions: int,
    *,
    warmup: int = 1,
    synchronise: Callable[[], object] | None = None,
) -> dict[str, list[float]]:
    """Seconds that each function took, once in each of `repetitions` rounds, after `warmup` rounds that do not count.

    Every round calls all functions, the second round in reverse, and so on: what slows the machine for a while slows
    all of them, and ratios of `medians` stay. `synchronise` waits for a device before and after each call.
    """
    if repetitions < 1:
        raise ValueError(f"repetitions must be at least 1, not {repetitions}")
    wait = synchronise or (lambda: None)
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(-warmup, repetitions):
        names = list(functions) if turn % 2 == 0 else list(reversed(functions))
        for name in names:
            wait()
            started = time.perf_counter()
            functions[name]()
            wait()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    """The median of each list."""
    return {name: statistics.median(values) for name, values in seconds.items()}


def ratios(seconds: dict[str, list[float]], base: str) -> dict[str, float]:
    """Each one's median of the ratios to `base` round by round, which the machine's noise moves less than medians."""
    return {
        name: statistics.median(value / other for value, other in zip(values, seconds[base], strict=True))
        for name, values in seconds.items()
    }


def markdown(title: str, rows: Sequence[Row]) -> str:
    """A heading and a table; columns are the rows' keys in the order they first come, numbers have three digits."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in [columns, *cells]) for place in range(len(columns))]
    numeric = [
        all(not isinstance(row[column], str) for row in rows if column in row) and any(column in row for row in rows)
        for column in columns
    ]
    rule = [("-" * (width - 1) + ":") if right else "-" * width for width, right in zip(widths, numeric, strict=True)]
    lines = [_line(columns, widths, numeric), "| " + " | ".join(rule) + " |"]
    lines += [_line(line, widths, numeric) for line in cells]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def print_table(title: str, rows: Sequence[Row], *, out: Path | None = None) -> None:
    """Prints the table, and appends it to the file `out`."""
    text = markdown(title, rows)
    sys.stdout.write("\n" + text)
    sys.stdout.flush()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("a", encoding="utf-8") as file:
            file.write("\n" + text)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "| " + " | ".join(padded) + " |"
