"""Builds on the web side: which step comes next, who is given it, and what became of it.

The truth about a build is in two places: its rows, and the outputs in the shared storage. An output is written last and
whole, so a step whose output is there is done, whatever was heard of it. Everything here may run at once on several
machines: every change is one conditional statement, or is made under the lock of the build's row (build, then steps).
Nothing computes here, and nothing imports what computes.
"""
