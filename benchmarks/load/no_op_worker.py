"""The real GPU worker over steps that do nothing, for the cost of everything around them; a process of its own.

`plan` says that there is one condition, `finetune` that it has as many chunks as NO_OP_CHUNKS says, `chunk` leaves an
empty object.
"""

import json
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

CHUNKS = int(os.environ.get("NO_OP_CHUNKS", "100"))
IMAGES = 16


def plan(shop: Any, build: str, output: str, _progress: Any) -> None:
    step = {"step": "finetune:no-op", "output": "runs/no-op/conditions/no-op.json", "arguments": {"condition": "no-op"}}
    content = {
        "run": "no-op",
        "device": "cpu",
        "conditions": [{"name": "no-op", "finetune": step, "steps": 1}],
        "images": CHUNKS * IMAGES,
        "pairs": CHUNKS * IMAGES,
        "chunk_images": IMAGES,
        "chunks": CHUNKS,
        "dataset": {"name": "none", "images": CHUNKS * IMAGES, "digest": "0" * 64},
        "seconds": 0.0,
    }
    shop.storage.write(output, json.dumps(content).encode())


def finetune(shop: Any, build: str, output: str, _progress: Any, *, condition: str) -> None:
    chunks = [
        {
            "step": f"chunk:no-op:{number:05d}",
            "output": f"runs/no-op/chunks/{number:05d}.zip",
            "images": IMAGES,
            "arguments": {"condition": condition, "start": IMAGES * number, "stop": IMAGES * number + IMAGES},
        }
        for number in range(CHUNKS)
    ]
    told = {"condition": "no-op", "improved": True, "before": 0.0, "after": 1.0, "agreement": 1.0, "step": 1}
    shop.storage.write(output, json.dumps({**told, "seconds": 0.0, "weights": "0" * 64, "chunks": chunks}).encode())


def chunk(shop: Any, build: str, output: str, progress: Any, **_arguments: Any) -> None:
    progress("nothing", 1, 1)
    shop.storage.write(output, b"")


class Workshop(SimpleNamespace):
    """The storage alone."""

    def __init__(self, storage: Any, _work: object, **_: object) -> None:
        super().__init__(storage=storage)

    def is_cancelled(self, build: str, attempt: int) -> bool:
        return bool(self.storage.exists(f"builds/{build}/cancelled-{attempt}"))


STEPS = {"plan": plan, "finetune": finetune, "chunk": chunk}
for name, content in (("steps", {"STEPS": STEPS}), ("workshop", {"Workshop": Workshop})):
    module = ModuleType(f"attribution.jobs.{name}")
    vars(module).update(content)
    sys.modules[module.__name__] = module

from attribution.worker import app  # noqa: E402

__all__ = ["app"]
