"""The table at the end of a run."""

from collections.abc import Sequence
from typing import Any

HEADER = ("condition", "metric before -> after", "difference [95 % CI]", "agreement", "accuracy", "seconds", "")


def result_table(conditions: Sequence[dict[str, Any]]) -> str:
    """Conditions as they stand in the manifest, one line each, aligned."""
    several = len({entry["network"] for entry in conditions}) > 1
    rows = [HEADER, *(_row(entry, several) for entry in conditions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def _row(entry: dict[str, Any], several_networks: bool) -> tuple[str, ...]:
    export, accuracy = entry["export"], entry["accuracy"]
    low, high = export["ci"]
    return (
        f"{entry['metric']} x {entry['attributor']}" + (f" x {entry['network']}" if several_networks else ""),
        f"{_three(export['before'])} -> {_three(export['after'])}",
        f"{_signed(export['difference'])} [{_signed(low)}, {_signed(high)}]",
        _three(entry["agreement"]),
        f"{_three(accuracy['before'])} -> {_three(accuracy['after'])}",
        f"{entry['seconds']:.0f}" if "seconds" in entry else "-",
        ", ".join(_notes(entry)),
    )


def _notes(entry: dict[str, Any]) -> list[str]:
    if entry["control"]:
        return [f"control: {entry['trainer']}", *_undefined(entry)]
    notes = [] if entry["improved"] else [_why_not(entry)]
    if entry["improved"] and not entry["confirmed"]:
        notes.append("not confirmed on the export split")
    return notes + _undefined(entry)


def _why_not(entry: dict[str, Any]) -> str:
    """A metric that got better is not trusted where the network no longer answers, or is scored, as the original."""
    before, after = entry["validation"]["before"], entry["validation"]["after"]
    better = before is not None and after is not None and (after > before) == (entry["direction"] == "higher")
    if better and after != before:
        return (
            f"not improved: no checkpoint stayed with the original (agreement {_three(entry['agreement_validation'])})"
        )
    return "not improved"


def _undefined(entry: dict[str, Any]) -> list[str]:
    undefined = entry["export"]["undefined"]
    if undefined["before"] or undefined["after"]:
        why = " and ".join({reason: None for counted in undefined["reasons"].values() for reason in counted})
        return [f"undefined on {undefined['before']} -> {undefined['after']} images ({why})"]
    return []


def _three(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.3f}"
