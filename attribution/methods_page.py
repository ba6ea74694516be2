"""The page of all methods, written from the registries (docs/methods.md)."""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass

from attribution.attributors import ATTRIBUTORS
from attribution.metrics import METRICS
from attribution.trainers import TRAINERS

HEAD = """# Methods

Written by `python -m attribution methods > docs/methods.md` from the code; a test holds it up to date. A method is
named in a run's config by the name in bold, with the options below it; `docs/extending.md` shows how to add your own.
"""

SECTIONS: tuple[tuple[str, str, Mapping[str, type]], ...] = (
    (
        "Attributors",
        "Make a map [H, W] for an image and a class. Trainers that fine-tune on maps need a differentiable one.",
        ATTRIBUTORS,
    ),
    (
        "Explanation metrics",
        "Score a map. Trainers that fine-tune on a metric need a learnable one; the published study's weight and "
        'learning rate are what `preset = "published"` sets.',
        METRICS,
    ),
    ("Trainers", "Change a network. Controls are exported whether or not the metric improved.", TRAINERS),
)


def methods_page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for title, text, registry in SECTIONS:
        parts.append(f"## {title}\n\n{text}\n")
        parts.extend(_entry(name, kind) for name, kind in registry.items())
    return "\n".join(parts)


def _entry(name: str, kind: type) -> str:
    source = _first_paragraph(inspect.getdoc(sys.modules[kind.__module__]) or "")
    what = inspect.getdoc(kind) or ""
    options = "\n".join(f"- `{each.name} = {_default(each)}`" for each in _options(kind))
    traits = ", ".join(_traits(kind))
    return (
        "\n\n".join(
            part for part in (f"### **{name}**", source, what, f"*{traits}*" if traits else "", options) if part
        )
        + "\n"
    )


def _options(kind: type) -> list[Field[object]]:
    return [each for each in fields(kind) if each.init] if is_dataclass(kind) else []


def _default(option: Field[object]) -> str:
    if option.default is not MISSING:
        value = option.default
    elif option.default_factory is not MISSING:
        value = option.default_factory()
    else:
        return "(needed)"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _traits(kind: type) -> list[str]:
    """What a reader chooses by."""
    traits = []
    for attribute, yes, no in (
        ("differentiable", "differentiable", "not differentiable"),
        ("learnable", "learnable", "not learnable"),
        ("needs_masks", "needs masks or boxes", None),
        ("uses_metric", "fine-tunes on the metric", "does not use the metric's loss"),
        ("control", "control", None),
    ):
        value = getattr(kind, attribute, None)
        if isinstance(value, bool):
            traits.append(yes if value else no)
    direction = getattr(kind, "direction", None)
    if isinstance(direction, str):
        traits.insert(0, f"{direction} is better")
    traits.append(_published(kind))
    return [trait for trait in traits if trait]


def _published(kind: type) -> str:
    """The published study's settings, of the variant that has them."""
    if not getattr(kind, "learnable", False):
        return ""
    variants = any(option.name == "variant" for option in _options(kind))
    found = kind(variant="published").published if variants else kind().published
    if found is None:
        return ""
    of = ' (variant = "published")' if variants else ""
    return f"published weight {found[0]:g}, learning rate {found[1]:g}{of}"


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n", 1)[0].split())
