"""Whether somebody who was away still has a place in the study."""

from django.utils import timezone

from studies.models import Participation
from studies.recruiting.selectors import live_since, places_free
from studies.services.finishing import participation_finish
from studies.services.places import places_return

State, Source = Participation.State, Participation.Source


def is_away(participation: Participation) -> bool:
    """Whether an active annotator who was recruited was not seen for so long that the place may be another's by now.

    People with accounts were asked by name and previews take no place, so neither is ever away.
    """
    if participation.state != State.ACTIVE or participation.source in (Source.ACCOUNT, Source.PREVIEW):
        return False
    seen = participation.last_seen_at
    return seen is None or seen < live_since(participation.spec.recruitment.live_hours)


def place_keep(participation: Participation) -> bool:
    """Let someone who was away go on; without an answer only where there is a place, else they end as over quota.

    Whoever has answered trials always may go on. The study is locked.
    """
    now = timezone.now()
    if is_away(participation):
        has_answered = participation.assignments.filter(revision__gte=1).exists()
        if not has_answered and places_free(participation.study) == 0:
            participation_finish(participation, State.OVER_QUOTA)
            places_return(participation)
            return False
    Participation.objects.filter(pk=participation.pk).update(last_seen_at=now)
    participation.last_seen_at = now
    return True
