"""Protocols written by hand, for tests."""

FULL = """
title = "Maps of shapes"
question = "Which map explains the answer better?"

[[pages]]
kind = "consent"
title = "Taking part"
markdown = "You can stop at any time."

[[pages]]
kind = "practice"
title = "Practice"
make = 2
pass_correct = 1

[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 3
per_annotator = 6
ties = "equal_and_both_bad"

[catch]
share = 0.4
make = 3

[[quality]]
rule = "catch_accuracy"
limit = 0.6
action = "exclude"
"""

PLAIN = """
[[pages]]
kind = "trials"
"""
