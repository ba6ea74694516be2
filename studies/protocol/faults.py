"""What can be wrong with a protocol, told by place, problem and remedy."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Step = str | int


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `place` is the way to it from where it was found, e.g. ("fields", 0, "options")."""

    place: tuple[Step, ...]
    problem: str
    remedy: str

    @property
    def path(self) -> str:
        """The place as a text: `pages[2].fields[0].options`."""
        path = ""
        for step in self.place:
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
        return path


class ProtocolError(ValueError):
    """A protocol that is refused; nothing was written. The message has a line for each fault."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name = name
        self.faults = tuple(faults)
        lines = (
            f"{name}: {fault.path}: {fault.problem}; {fault.remedy}"
            if fault.place
            else f"{name}: {fault.problem}; {fault.remedy}"
            for fault in self.faults
        )
        super().__init__("\n".join(lines))


def refuse(title: str, faults: Sequence[Fault]) -> None:
    """Raise pydantic's ValidationError with all of the faults, for use in validators; do nothing without any."""
    if not faults:
        return
    details = [
        InitErrorDetails(
            # Problem and remedy as context: a brace in them would be read as a placeholder.
            type=PydanticCustomError(
                "fault", "{problem}; {remedy}", {"problem": fault.problem, "remedy": fault.remedy}
            ),
            loc=fault.place,
            input=None,
        )
        for fault in faults
    ]
    raise ValidationError.from_exception_data(title, details)
