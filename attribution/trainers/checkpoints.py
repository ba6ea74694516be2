"""Checkpoints that survive a kill: written beside, then moved into place."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from attribution.errors import InputError


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` to `path`; a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    with beside.open("wb") as stream:
        torch.save(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def load_checkpoint(path: Path, key: str) -> dict[str, Any] | None:
    """The checkpoint at `path`, None if there is none; InputError if it belongs to another run."""
    if not path.is_file():
        return None
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if content["key"] != key:
        raise InputError(f"{path}: made by another run (config, data or network differ): use another --out")
    return content


def is_whole(path: Path) -> bool:
    """Whether the checkpoint at `path` is there and as it was written: torch itself does not look at checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (FileNotFoundError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError):
        # The last two where names or headers are damaged.
        return False


def slim_checkpoint(path: Path) -> None:
    """Leave in a finished fine-tuning's checkpoint only what reading its outcome takes: the selected weights, once.

    The optimizer's state and the last step's weights go. A checkpoint of another form, as a trainer of one's own may
    write, stays as it is.
    """
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("state")
    best = state.get("best") if isinstance(state, dict) else None
    if not isinstance(best, dict) or not {"student", "optimizer"} <= content.keys():
        return
    # Tensors that are the same object are written once.
    save_checkpoint(path, {**content, "student": best["weights"], "optimizer": None})
