"""Processor time of process trees, and of the whole machine, from /proc."""

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _processes() -> dict[int, tuple[int, int]]:
    """Return the parent and the ticks (its own and its ended children's) of each process."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # The name, in parentheses, may hold anything.
        fields = text.rpartition(")")[2].split()
        found[int(folder.name)] = (int(fields[1]), sum(int(field) for field in fields[11:15]))
    return found


def tree_seconds(root: int | None) -> float:
    """Return the user and system time of a process and all that it started; 0 for None."""
    if root is None:
        return 0.0
    processes = _processes()
    children = defaultdict(list)
    for pid, (parent, _) in processes.items():
        children[parent].append(pid)
    ticks, left = 0, [root]
    while left:
        pid = left.pop()
        ticks += processes[pid][1] if pid in processes else 0
        left += children[pid]
    return ticks / TICKS


def machine_seconds() -> float:
    """Return the time that all processors together were busy since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / TICKS
