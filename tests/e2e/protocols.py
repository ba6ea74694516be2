"""Protocols for the browser tests, put together from their parts."""

import json
from typing import Any

CONSENT = """
[[pages]]
kind = "consent"
title = "Taking part in this study"
markdown = "You compare pairs of pictures. You can **stop at any time**."
"""
INSTRUCTIONS = """
[[pages]]
kind = "text"
key = "instructions"
title = "What you will see"
markdown = "A photo and two maps.\\n\\n## Your task\\n\\nChoose the better map."
"""
QUESTIONNAIRE = """
[[pages]]
kind = "questionnaire"
key = "about-you"
title = "About you"
markdown = "We ask this to describe who took part."
fields = [
    { name = "age", label = "How old are you?", kind = "number", minimum = 18, maximum = 120, help = "In years" },
    { name = "vision", label = "Do you see well?", kind = "choice", options = ["Yes", "No"], screen_out = ["No"] },
    { name = "devices", label = "What do you use?", kind = "choices", options = ["Phone", "Tablet"], required = false },
    { name = "expertise", label = "Do you know the field?", kind = "scale", points = 7, low = "No", high = "Well" },
    { name = "why", label = "Why do you take part?", kind = "textarea", required = false },
]
"""
PLUGIN = """
[[pages]]
kind = "plugin"
key = "afterwards"
title = "Afterwards"
plugin = "survey-likert"
[pages.parameters]
questions = [{ prompt = "The task was easy.", name = "easy", labels = ["No", "Rather", "Yes"], required = true }]
"""
DEBRIEFING = """
[[pages]]
kind = "text"
key = "debriefing"
title = "What this was about"
markdown = "We ask whether people and formulas agree."
button = "Finish the study"
"""
TRIALS = """
[[pages]]
kind = "trials"
"""


def practice(**values: Any) -> str:
    """Return a page of practice trials."""
    settings = {"make": 2, "pass_correct": 2, "most_rounds": 2, "title": "Practice"} | values
    return '\n[[pages]]\nkind = "practice"\n' + _lines(settings)


def protocol(*pages: str, least: tuple[int, int] | None = None, **trials: Any) -> str:
    """Return a protocol with these pages, by default the trials alone, and these settings of trials."""
    text = 'format = "harmony-protocol/1"\n' + "".join(pages or (TRIALS,))
    text += "\n[trials]\n" + _lines(trials)
    if least is not None:
        text += f"\n[screen]\nleast_width = {least[0]}\nleast_height = {least[1]}\n"
    return text


def _lines(values: dict[str, Any]) -> str:
    # TOML writes texts, numbers and truth as JSON does.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
