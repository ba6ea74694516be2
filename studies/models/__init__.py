"""The entities of a study, from its pictures to its responses."""

from studies.models.answers import AppendOnlyError, Assignment, Participation, Response, new_token
from studies.models.fixtures import AnsweredStudyError
from studies.models.materials import Condition, Fixed, Image, Pair, Picture, Study, Trial
from studies.models.users import User

__all__ = [
    "AnsweredStudyError",
    "AppendOnlyError",
    "Assignment",
    "Condition",
    "Fixed",
    "Image",
    "Pair",
    "Participation",
    "Picture",
    "Response",
    "Study",
    "Trial",
    "User",
    "new_token",
]
