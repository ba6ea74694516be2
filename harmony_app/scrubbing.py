"""Texts for logs and error reports without tokens, passwords and personal data."""

import re

HIDDEN = "***"

# Each begins where a word does: begun at each of its letters, a long one would take minutes.
_RULES = [
    # The token in an address of these opens what it names.
    (re.compile(r"(/(?:join|pictures|assignments)/)[^/\s'\"?&<>]+"), rf"\1{HIDDEN}"),
    # What stands behind the question mark: ids of recruitment services, links to go back to.
    (re.compile(r"(?<![\w\-./%~*])([\w\-.%~*]*/[\w\-./%~*]*)\?[^\s'\"<>]+"), rf"\1?{HIDDEN}"),
    # A user and a password in an address; some passwords have an @ themselves.
    (re.compile(r"((?<![a-z0-9+.\-])[a-z0-9+.\-]+://)[^/\s'\"]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Django says of a form that its CSRF token is missing.
    (re.compile(r"(?<!CSRF )\b(Bearer|Token|Basic)\s+[\w\-.~+/=]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(['\"]?\b(?:\w+_)?(?:PROLIFIC_PID|STUDY_ID|SESSION_ID|username|password|passwd|secret|secret_key|"
            r"secret_access_key|token|sessionid|"
            r"csrftoken|csrfmiddlewaretoken|cookie|authorization)\b['\"]?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # How PostgreSQL shows rows in its errors.
    (re.compile(r"(Key \([^)]*\)=)\(.*?\)(?= |\.|$)", re.MULTILINE), rf"\1({HIDDEN})"),
    (re.compile(r"(Failing row contains )\(.*\)", re.DOTALL), rf"\1({HIDDEN})"),
    # How Prolific writes its ids: 24 hexadecimal digits.
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{24}(?![0-9A-Za-z])"), HIDDEN),
    (re.compile(r"(?<![\w.+\-])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"), HIDDEN),
]


def scrubbed(text: str) -> str:
    """Return the text with tokens, passwords, ids of recruitment services, e-mail addresses and queries as `***`."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
