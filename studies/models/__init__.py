"""The entities of a study, from its pictures to its responses."""

from studies.models.answers import AppendOnlyError, Assignment, Participation, Response, new_token
from studies.models.builds import Build, BuildLine, BuildStep
from studies.models.fixtures import AnsweredStudyError
from studies.models.management import AuditEntry, Collaborator
from studies.models.materials import Condition, Fixed, Image, Pair, Picture, Study, Trial
from studies.models.protocols import PageRecord, Protocol, QualityFinding
from studies.models.recruitment import ExternalIdentity, Link, LinkUse
from studies.models.tokens import ApiToken
from studies.models.users import User

__all__ = [
    "AnsweredStudyError",
    "ApiToken",
    "AppendOnlyError",
    "Assignment",
    "AuditEntry",
    "Build",
    "BuildLine",
    "BuildStep",
    "Collaborator",
    "Condition",
    "ExternalIdentity",
    "Fixed",
    "Image",
    "Link",
    "LinkUse",
    "PageRecord",
    "Pair",
    "Participation",
    "Picture",
    "Protocol",
    "QualityFinding",
    "Response",
    "Study",
    "Trial",
    "User",
    "new_token",
]
