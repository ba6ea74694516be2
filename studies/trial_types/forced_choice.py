"""Two maps side by side: which of the two is better? With the answers that prefer none where the protocol has them."""

from collections.abc import Sequence

from studies.models import Assignment, Response
from studies.protocol.spec import ProtocolSpec

Given, Choice = Response.Given, Response.Choice

# What stands for itself, whichever side the finetuned map is on.
WITHOUT_SIDE = {
    Given.NEITHER: Choice.NEITHER,
    Given.EQUAL: Choice.EQUAL,
    Given.BOTH_BAD: Choice.BOTH_BAD,
    Given.TIMEOUT: Choice.TIMEOUT,
}


class ForcedChoice:
    """The image, and its two maps in the slots `left` and `right`."""

    slots: Sequence[str] = ("image", "left", "right")

    def options(self, spec: ProtocolSpec) -> Sequence[str]:
        """Return `left`, `right`, and the answers that prefer no map, as the protocol has them."""
        return spec.trials.options

    def picture_id(self, assignment: Assignment, slot: str) -> int:
        """Return the primary key of the picture shown in a slot; raises KeyError for an unknown slot.

        A decoy takes the place of a map that is not the expected one.
        """
        trial = assignment.trial
        if slot == "image":
            return trial.pair.image.picture_id
        if slot not in self.slots:
            raise KeyError(f'unknown slot "{slot}" (known: {", ".join(self.slots)})')
        role = Choice.FINETUNED if slot == assignment.side else Choice.ORIGINAL
        if trial.decoy_id is not None and trial.expected != role:
            return trial.decoy_id
        return trial.pair.finetuned_id if role == Choice.FINETUNED else trial.pair.original_id

    def translate(self, given: str, side: str) -> str:
        """Return what was chosen; the slots `left` and `right` stand for `original` or `finetuned`."""
        if given in WITHOUT_SIDE:
            return WITHOUT_SIDE[Given(given)]
        return Choice.FINETUNED if given == side else Choice.ORIGINAL
