"""Who comes from Prolific: the ids in the address, and the digest by which the same person is known again."""

import re
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.crypto import salted_hmac

from studies.models import ExternalIdentity, Study

PARAMETERS = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
# Prolific's ids are 24 hexadecimal digits. Placeholders that were not filled in have braces.
AN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class InvalidArrivalError(ValueError):
    """The address lacks an id, has one twice, or has one that Prolific would not make. Holds the parameter's name."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


@dataclass(frozen=True)
class Arrival:
    """The ids of a person, of the study at Prolific, and of this person's submission to it."""

    person: str
    study: str
    session: str

    @classmethod
    def from_parameters(cls, parameters: QueryDict) -> "Arrival":
        """Return the ids that an address or a form holds; raises InvalidArrivalError."""
        return cls(*(_an_id(parameters, name) for name in PARAMETERS))

    def as_parameters(self) -> dict[str, str]:
        return dict(zip(PARAMETERS, (self.person, self.study, self.session), strict=True))


def _an_id(parameters: QueryDict, name: str) -> str:
    values = parameters.getlist(name)
    if len(values) != 1 or not AN_ID.match(values[0]):
        raise InvalidArrivalError(name)
    return str(values[0])


def identity_digest(study: Study, person: str) -> str:
    """Return the keyed digest of an id, 64 hexadecimal digits, another one in every study.

    Letters count the same in both cases: an id that was retyped is no second person.
    """
    value = f"{ExternalIdentity.Service.PROLIFIC}:{study.pk}:{person.lower()}"
    return salted_hmac("studies.recruiting.identity", value, algorithm="sha256").hexdigest()


def identity_of(study: Study, person: str) -> ExternalIdentity | None:
    """Return the identity of this person in the study, also an erased one, with participation and annotator."""
    related = ("participation__study", "participation__protocol", "participation__annotator")
    identities = ExternalIdentity.objects.select_related(*related)
    digest = identity_digest(study, person)
    return identities.filter(study=study, service=ExternalIdentity.Service.PROLIFIC, digest=digest).first()
