"""What every trial type offers."""

from collections.abc import Sequence
from typing import Protocol

from studies.models import Assignment
from studies.protocol.spec import ProtocolSpec


class TrialType(Protocol):
    """A way of asking about a pair. It holds no state."""

    @property
    def slots(self) -> Sequence[str]:
        """The places where pictures are shown."""
        ...

    def options(self, spec: ProtocolSpec) -> Sequence[str]:
        """Return the answers that an annotator under this protocol may give."""
        ...

    def picture_id(self, assignment: Assignment, slot: str) -> int:
        """Return the primary key of the picture shown in a slot; raises KeyError for a slot it does not have."""
        ...

    def translate(self, given: str, side: str) -> str:
        """Return what an answer stands for, given the side of the finetuned map."""
        ...
