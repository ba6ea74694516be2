"""The data dictionary: what every column of every table says."""

from typing import Any

from studies.exports.columns import COLUMNS, ROW_OF, Column

TYPES = {
    "text": "text",
    "integer": "whole number",
    "number": "number",
    "truth": "1 or 0",
    "time": "time in UTC, ISO 8601",
}


def dictionary_document() -> dict[str, Any]:
    """Return the dictionary, ready for JSON."""
    return {
        "format": "harmony-dictionary/1",
        "tables": {
            table: {
                "row": ROW_OF[table],
                "columns": [
                    {
                        "name": column.name,
                        "type": column.kind,
                        "description": column.description,
                        **({"unit": column.unit} if column.unit else {}),
                        **({"levels": dict(column.levels)} if column.levels else {}),
                    }
                    for column in columns
                ],
            }
            for table, columns in COLUMNS.items()
        },
    }


def dictionary_markdown() -> str:
    """Return the dictionary as Markdown, a table for each table."""
    lines = [
        "# Data dictionary",
        "",
        "An empty cell means that there is no such value. Times are in UTC, truths are 1 or 0.",
    ]
    for table, columns in COLUMNS.items():
        lines += ["", f"## {table}", "", ROW_OF[table], "", "| column | type | what it says |", "| --- | --- | --- |"]
        lines += [_line(column) for column in columns]
    return "\n".join(lines) + "\n"


def variables(*tables: str) -> list[dict[str, Any]]:
    """Return each column of these tables once, as a PropertyValue of schema.org."""
    columns = {column.name: column for table in tables for column in COLUMNS[table]}
    return [_variable(column) for column in columns.values()]


def with_levels(column: Column) -> str:
    """Return the column's description, with what its values stand for."""
    if not column.levels:
        return column.description
    return column.description + " " + "; ".join(f"{name}: {text}" for name, text in column.levels.items()) + "."


def _variable(column: Column) -> dict[str, Any]:
    variable: dict[str, Any] = {"@type": "PropertyValue", "name": column.name, "description": with_levels(column)}
    if column.unit:
        variable["unitText"] = column.unit
    if column.levels:
        variable["valuePattern"] = "|".join(column.levels)
    elif column.kind == "truth":
        variable |= {"minValue": 0, "maxValue": 1}
    return variable


def _line(column: Column) -> str:
    kind = f"{TYPES[column.kind]}, {column.unit}" if column.unit else TYPES[column.kind]
    return f"| `{column.name}` | {kind} | {with_levels(column)} |".replace("\n", " ")
