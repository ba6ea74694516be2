"""A checker of Psych-DS datasets, by the rules of its schema 1.5.1 that are errors, and those that are warnings.

The rules and their codes are those of `schema_model/versions/jsons/1.5.1/schema.json` in github.com/psych-ds/psych-DS
(`rules.files`, `rules.errors`, `rules.compiled_metadata`), in words at
https://psychds-docs.readthedocs.io/en/latest/reference/rules_and_conventions/.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# rules.files.tabular_data.data.Datafile.fileRegex
DATA_FILE = re.compile(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.(csv|tsv)")
# meta.context.keywords: others are FILENAME_UNOFFICIAL_KEYWORD_WARNING
KEYWORDS = {"study", "site", "subject", "session", "task", "condition", "trial", "stimulus", "description"}
# rules.compiled_metadata.CompiledMetadata.fields
REQUIRED = ("name", "description", "variableMeasured")
# Properties that schema.org has for these types: others are INVALID_SCHEMAORG_PROPERTY (a warning). Those used here.
PROPERTIES = {
    "Dataset": {
        "name",
        "description",
        "variableMeasured",
        "schemaVersion",
        "dateCreated",
        "dateModified",
        "keywords",
        "measurementTechnique",
    },
    "PropertyValue": {"name", "description", "unitText", "valuePattern", "minValue", "maxValue"},
}


def errors(root: Path) -> list[str]:
    """Return the codes of the rules that are broken, each with what breaks it."""
    found = list(_metadata_errors(root))
    is_read = not found or found[0].startswith("JSON_KEY") or "TYPE" in found[0]
    return [*found, *_data_errors(root)] if is_read else found


def warnings(root: Path) -> list[str]:
    """Return the codes of the conventions that are not kept."""
    found = []
    # rules.files.common.core
    for code, names in {
        "MISSING_README_DOC": ("README.md", "README.txt"),
        "MISSING_CHANGES_DOC": ("CHANGES.md", "CHANGES.txt"),
        "MISSING_PSYCHDSIGNORE": (".psychds-ignore",),
    }.items():
        if not any((root / name).is_file() for name in names):
            found.append(code)
    found += [f"FILE_EMPTY {path.name}" for path in root.rglob("*") if path.is_file() and path.stat().st_size == 0]
    for path in _data_files(root):
        keys = {part.partition("-")[0] for part in path.stem.removesuffix("_data").split("_")}
        found += [f"FILENAME_UNOFFICIAL_KEYWORD_WARNING {key}" for key in sorted(keys - KEYWORDS)]
    metadata = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
    for thing in (metadata, *metadata["variableMeasured"]):
        kind = thing.get("@type", "")
        if not kind:
            found.append("OBJECT_TYPE_MISSING")
        unknown = set(thing) - PROPERTIES.get(kind, set()) - {"@context", "@type"}
        found += [f"INVALID_SCHEMAORG_PROPERTY {name}" for name in sorted(unknown)]
    return found


def _metadata_errors(root: Path) -> Iterator[str]:
    path = root / "dataset_description.json"
    if not path.is_file():
        yield "MISSING_DATASET_DESCRIPTION"
        return
    try:
        metadata: dict[str, Any] = json.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        yield "JSON_ENCODING_ERROR"
        return
    except json.JSONDecodeError:
        yield "JSON_INVALID"
        return
    # The context makes the fields those of schema.org (compiled_metadata.namespace).
    if metadata.get("@context") not in ("http://schema.org/", "https://schema.org/", "https://schema.org"):
        yield "JSON_KEY_REQUIRED @context"
    for name in REQUIRED:
        if not metadata.get(name):
            yield f"JSON_KEY_REQUIRED {name}"
    if "@type" not in metadata:
        yield "MISSING_DATASET_TYPE"
    elif metadata["@type"] != "Dataset":
        yield "INCORRECT_DATASET_TYPE"


def _data_errors(root: Path) -> Iterator[str]:
    if not (root / "data").is_dir():
        yield "MISSING_DATA_DIRECTORY"
        return
    files = _data_files(root)
    if not files:
        yield "MISSING_DATAFILE"
    told = _variables(root)
    seen: set[str] = set()
    for path in files:
        if not DATA_FILE.fullmatch(path.name):
            yield f"FILENAME_KEYWORD_FORMATTING_ERROR {path.name}"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
        if not rows or not any(rows[0]):
            yield f"CSV_HEADER_MISSING {path.name}"
            continue
        header = rows[0]
        if any(len(row) != len(header) for row in rows):
            yield f"CSV_HEADER_LENGTH_MISMATCH {path.name}"
        if len(set(header)) < len(header):
            yield f"CSV_HEADER_REPEATED {path.name}"
        for name in header:
            if name not in told:
                yield f"CSV_COLUMN_MISSING_FROM_METADATA {name}"
        if "row_id" in header:
            ids = [row[header.index("row_id")] for row in rows[1:]]
            if len(set(ids)) < len(ids):
                yield f"ROWID_VALUES_NOT_UNIQUE {path.name}"
        seen |= set(header)
    for name in sorted(told - seen):
        yield f"VARIABLE_MISSING_FROM_CSV_COLUMNS {name}"


def _data_files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "data").rglob("*") if path.suffix in (".csv", ".tsv"))


def _variables(root: Path) -> set[str]:
    metadata = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
    return {one if isinstance(one, str) else one["name"] for one in metadata.get("variableMeasured", [])}
