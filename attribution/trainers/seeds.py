"""Seeds for torch from several numbers."""

import numpy as np


def joint_seed(*numbers: int) -> int:
    """A seed below 2^32 that depends on every one of the numbers; torch's CPU generator ignores higher bits."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
