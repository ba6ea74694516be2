"""Asking one check, for tests."""

from harmony_app.doctor.checks import CHECKS
from harmony_app.doctor.result import Result, State


def ask(name: str) -> list[Result]:
    """Return what the check of this name finds."""
    return list(CHECKS[name]())


def worst(name: str) -> State:
    """Return the worst state among its findings."""
    order = [State.OK, State.WARN, State.FAIL]
    return max((result.state for result in ask(name)), key=order.index)


def said(name: str) -> str:
    """Return the findings and remedies that are not ok, as one text."""
    return "\n".join(f"{one.text} -> {one.remedy}" for one in ask(name) if one.state is not State.OK)
