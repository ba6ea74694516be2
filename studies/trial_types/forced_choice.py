"""Two maps side by side: which of the two is better? With `neither` where the study offers it."""

from collections.abc import Sequence

from studies.models import Assignment, Picture, Response, Study


class ForcedChoice:
    """The image, and its two maps in the slots `left` and `right`."""

    slots: Sequence[str] = ("image", "left", "right")

    def options(self, study: Study) -> Sequence[str]:
        """Return `left`, `right` and, where the study offers it, `neither`."""
        return ("left", "right", "neither") if study.offer_neither else ("left", "right")

    def picture(self, assignment: Assignment, slot: str) -> Picture:
        """Return the picture shown in a slot; raises KeyError for an unknown slot."""
        pair = assignment.trial.pair
        if slot == "image":
            return pair.image.picture
        if slot not in self.slots:
            raise KeyError(f'unknown slot "{slot}" (known: {", ".join(self.slots)})')
        return pair.finetuned if slot == assignment.side else pair.original

    def translate(self, given: str, side: str) -> str:
        """Return `original`, `finetuned` or `neither`."""
        if given == Response.Given.NEITHER:
            return Response.Choice.NEITHER
        return Response.Choice.FINETUNED if given == side else Response.Choice.ORIGINAL
