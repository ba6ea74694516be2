"""Builds in steps that any number of workers can carry out: check, fine-tune, explain and score, bundle.

What a step leaves lies in the shared storage under a name that follows from all that it was made from. So a step can be
given to somebody else, twice, or to two at once, and comes out the same.
"""
