"""The catalogues of the translations: collect the texts, keep what is translated, compile, check.

`bin/translations` runs this. The texts of Python files and templates go into `django.po`, those of scripts into
`djangojs.po`. Nothing of gettext's own tools is needed.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polib
from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
# The report and the offline module are in English.
SOURCES = {
    "django": ("studies/**/*.py", "harmony_app/**/*.py", "templates/**/*.html"),
    "djangojs": ("static/**/*.js",),
}
LEFT_OUT = re.compile(r"(^|/)(tests|migrations|analysis|management)/|static/studies/text\.js$")
CALLS = {
    name + lazy: spec
    for name, spec in {
        "gettext": None,
        "ngettext": (1, 2),
        "pgettext": ((1, "c"), 2),
        "npgettext": ((1, "c"), 2, 3),
    }.items()
    for lazy in ("", "_lazy")
} | {"_": None}
# A call whose text is not written out where it stands: it would be asked for, but never collected.
HIDDEN = re.compile(rf"(?<![\w.#\"'`])({'|'.join(CALLS)})\((?!\s*[\"'])")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
WRAP = 118


class Key(NamedTuple):
    """What a text is found by: its context (None without one) and the English text."""

    context: str | None
    text: str


@dataclass
class Text:
    """A text of the program, its plural form (empty without one), the files that have it and notes to translators."""

    key: Key
    plural: str
    files: list[str]
    notes: list[str]


class TranslationError(ValueError):
    """A text that cannot be collected."""


def source_files(root: Path, domain: str) -> list[Path]:
    """Return the files whose texts are in this domain, sorted."""
    found = {file for pattern in SOURCES[domain] for file in root.glob(pattern)}
    return sorted(file for file in found if not LEFT_OUT.search(file.relative_to(root).as_posix()))


def _as_python(template: str, name: str) -> str:
    """Return a template as calls of gettext, one template line a line, without indentation."""
    return "\n".join(line.strip() for line in templatize(template, origin=name).splitlines())


def texts_of_file(file: Path, name: str) -> Iterator[Text]:
    """Yield the texts of one file; a text that is not written out raises TranslationError with file and line."""
    content = file.read_text(encoding="utf-8")
    method = "javascript" if file.suffix == ".js" else "python"
    if file.suffix == ".html":
        content = _as_python(content, name)
    else:
        for number, line in enumerate(content.splitlines(), start=1):
            call = HIDDEN.search(line)
            if call and not line.lstrip().startswith(("def ", "#", "//", "*")) and not line.rstrip().endswith("("):
                raise TranslationError(f"{name}:{number}: {call[1]}() needs the text itself, in quotes")
    # Calls within `${...}` as well.
    options = {"parse_template_string": True} if method == "javascript" else {}
    found = extract(method, io.BytesIO(content.encode()), CALLS, ["Translators:"], options)
    for _line, message, notes, context in found:
        text, plural = message[:2] if isinstance(message, tuple) else (message, "")
        yield Text(Key(context, text), plural, [name], list(notes))


def collect(root: Path, domain: str) -> dict[Key, Text]:
    """Return all texts of a domain, in the order of files and lines."""
    texts: dict[Key, Text] = {}
    for file in source_files(root, domain):
        name = file.relative_to(root).as_posix()
        for text in texts_of_file(file, name):
            known = texts.setdefault(text.key, text)
            if known is text:
                continue
            # With and without plural it is one entry, as gettext has it.
            known.plural = known.plural or text.plural
            known.files += [name] if name not in known.files else []
            known.notes += [note for note in text.notes if note not in known.notes]
    return texts


def languages(root: Path) -> list[str]:
    """Return the languages that have a folder in `locale/`."""
    return sorted(folder.parent.name for folder in (root / "locale").glob("*/LC_MESSAGES"))


def catalogue_path(root: Path, language: str, domain: str) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path) -> polib.POFile:
    """Return a catalogue; where there is no file yet, an empty one."""
    if path.is_file():
        return polib.pofile(str(path), wrapwidth=WRAP)
    catalogue = polib.POFile(wrapwidth=WRAP)
    catalogue.metadata = {
        "Project-Id-Version": "Harmony",
        "Language": path.parent.parent.name,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return catalogue


def _key(entry: polib.POEntry) -> Key:
    return Key(entry.msgctxt, entry.msgid)


def _forms(catalogue: polib.POFile) -> int:
    found = re.search(r"nplurals\s*=\s*(\d+)", catalogue.metadata.get("Plural-Forms", ""))
    return int(found[1]) if found else 2


def updated(catalogue: polib.POFile, texts: Iterable[Text]) -> polib.POFile:
    """Return the catalogue of these texts with the translations of the old one.

    Translations of texts that are gone are kept as obsolete entries, and come back with their text.
    """
    old = {_key(entry): entry for entry in catalogue}
    new = polib.POFile(wrapwidth=WRAP)
    new.header, new.metadata = catalogue.header, catalogue.metadata
    for text in texts:
        before = old.pop(text.key, None)
        entry = polib.POEntry(msgctxt=text.key.context, msgid=text.key.text, msgid_plural=text.plural)
        entry.occurrences = [(file, "") for file in text.files]
        entry.comment = "\n".join(text.notes)
        if text.plural:
            kept = before.msgstr_plural if before is not None else {}
            entry.msgstr_plural = {form: kept.get(form, "") for form in range(_forms(catalogue))}
        elif before is not None:
            entry.msgstr = before.msgstr
        if before is not None:
            entry.tcomment = before.tcomment
            entry.flags = [flag for flag in before.flags if flag == "fuzzy"]
        new.append(entry)
    for entry in old.values():
        if entry.translated() or entry.obsolete:
            entry.obsolete = True
            entry.occurrences = []
            new.append(entry)
    return new


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text.replace("%%", "")))


def faults_of_entry(entry: polib.POEntry) -> list[str]:
    """Return what is wrong with a translation: not there, fuzzy, or with other placeholders than the English text."""
    if entry.fuzzy:
        return ["fuzzy: look at the translation, then remove the flag"]
    if not entry.translated():
        return ["not translated"]
    translations = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    allowed = [_placeholders(text) for text in (entry.msgid, entry.msgid_plural) if text]
    return [
        f"placeholders {_placeholders(text)} in {text!r}, but {allowed[0]} in the English text"
        for text in translations
        if _placeholders(text) not in allowed
    ]


def faults(root: Path, language: str, domain: str, texts: dict[Key, Text]) -> Iterator[str]:
    """Yield what is wrong with a catalogue, each with its file and the remedy."""
    path = catalogue_path(root, language, domain)
    name = path.relative_to(root).as_posix()
    catalogue = read(path)
    entries = {_key(entry): entry for entry in catalogue if not entry.obsolete}
    for key, text in texts.items():
        entry = entries.get(key)
        if entry is None or entry.msgid_plural != text.plural:
            yield f"{name}: {key.text!r} of {text.files[0]} is missing; run bin/translations"
            continue
        for fault in faults_of_entry(entry):
            yield f"{name}: {key.text!r}: {fault}"
    compiled = path.with_suffix(".mo")
    # Not by the files' times, which git does not keep.
    if not compiled.is_file() or compiled.read_bytes() != catalogue.to_binary():
        yield f"{compiled.relative_to(root).as_posix()}: not made from {path.name} as it is; run bin/translations"


def update(root: Path) -> None:
    """Bring every catalogue up to date, and compile it."""
    for domain in SOURCES:
        texts = collect(root, domain)
        for language in languages(root):
            path = catalogue_path(root, language, domain)
            catalogue = updated(read(path), texts.values())
            catalogue.save(str(path))
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))


def check(root: Path) -> list[str]:
    """Return what is wrong with the catalogues; nothing is written."""
    found: list[str] = []
    for domain in SOURCES:
        texts = collect(root, domain)
        for language in languages(root):
            found += faults(root, language, domain, texts)
    return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="bin/translations", description="Collect, compile and check translations.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything is missing or wrong")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            update(root)
        found = check(root)
    except TranslationError as error:
        found = [str(error)]
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print("translations: all there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
