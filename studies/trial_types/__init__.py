"""Trial types: what is shown, what counts as an answer, and what an answer means. One file and one line for each."""

from studies.trial_types.base import TrialType
from studies.trial_types.forced_choice import ForcedChoice

TRIAL_TYPES: dict[str, TrialType] = {
    "forced_choice": ForcedChoice(),
}


def trial_type(name: str) -> TrialType:
    """Return the trial type of this name; an unknown name raises KeyError with the known ones."""
    if name not in TRIAL_TYPES:
        raise KeyError(f'unknown trial type "{name}" (known: {", ".join(TRIAL_TYPES)})')
    return TRIAL_TYPES[name]


__all__ = ["TRIAL_TYPES", "TrialType", "trial_type"]
