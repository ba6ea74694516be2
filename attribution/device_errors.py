"""Telling errors of the device and of memory from others: what is behind an error counts as well.

torch is not loaded here: a worker's parent process does without it.
"""

from collections.abc import Iterator

# CUDA itself raises AcceleratorError; its libraries and its driver speak through plain errors, in torch's words.
_SAID_BY = ("CUDA error:", "CUDA driver error:", "cuDNN error:", "cuDNN Frontend error:", "cusolver error:")


def device_error(error: BaseException) -> BaseException | None:
    """What the device, its driver or its libraries said; None if they did not. Nothing works after it in a process."""
    return next((each for each in _chain(error) if _is_of_the_device(each)), None)


def is_of_memory(error: BaseException) -> bool:
    """Whether memory did not suffice, the device's or the machine's."""
    return any(isinstance(each, MemoryError) or type(each).__name__ == "OutOfMemoryError" for each in _chain(error))


def _is_of_the_device(error: BaseException) -> bool:
    if type(error).__name__ == "AcceleratorError":
        return True
    return type(error) is RuntimeError and str(error).startswith(_SAID_BY)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised from."""
    behind: BaseException | None = error
    while behind is not None:
        yield behind
        behind = behind.__cause__
