"""Where catch trials and repeats come among an annotator's main trials."""

from bisect import bisect_right

from hypothesis import example, given
from hypothesis import strategies as st

from studies.draws.plan import Kind, Plan, Pool, catch_places, plan_of, repeat_places
from studies.models import Study
from studies.protocol.spec import ProtocolSpec

SHARES = st.sampled_from([0, 0.01, 0.05, 0.1, 0.2, 1 / 3, 0.5])
SEEDS = st.integers(-(2**31), 2**31)


def plan(
    *, mains: int = 40, catch: float = 0, made: int = 100, repeats: float = 0, distance: int = 10, code: str = "A01"
) -> Plan:
    spec = ProtocolSpec.from_document(
        {
            "catch": {"share": catch, "make": made if catch else 0},
            "repeats": {"share": repeats, "distance": distance},
        }
    )
    return plan_of(study=Study(seed=5), code=code, spec=spec, pool=Pool(mains, made if catch else 0))


def order_of(made: Plan) -> list[Kind]:
    """Return the kinds of a whole session, where every trial that is due can be had."""
    order: list[Kind] = []
    while kinds := made.kinds_next(order.count(Kind.MAIN), order.count(Kind.CATCH), order.count(Kind.REPEAT)):
        order.append(kinds[0])
    return order


def test_without_shares_there_are_main_trials_alone() -> None:
    assert plan() == Plan(40)


def test_the_trials_of_an_annotator_are_limited() -> None:
    spec = ProtocolSpec.from_document({"trials": {"per_annotator": 7}})
    assert plan_of(study=Study(), code="A01", spec=spec, pool=Pool(40)).mains == 7
    assert plan_of(study=Study(), code="A01", spec=spec, pool=Pool(5)).mains == 5


def test_a_tenth_of_forty_trials_is_four() -> None:
    made = plan(catch=0.1, repeats=0.1)
    assert (len(made.catches), len(made.repeats), made.total) == (4, 4, 48)


def test_any_share_is_at_least_one_trial() -> None:
    assert len(plan(mains=3, catch=0.01).catches) == 1


def test_there_are_no_more_catch_trials_than_the_study_has() -> None:
    assert len(plan(catch=0.5, made=3).catches) == 3


def test_annotators_have_their_checks_in_different_places() -> None:
    places = {plan(catch=0.1, repeats=0.1, code=f"A{number:02}") for number in range(20)}
    assert len(places) > 15


@given(SEEDS, st.integers(2, 300), SHARES)
def test_catch_trials_are_spread_evenly_and_never_first(seed: int, mains: int, share: float) -> None:
    number = int(share * mains)
    places = catch_places(seed, "A01", mains, number)
    assert len(places) == number
    for place, before in enumerate(places):
        start, end = place * mains // number, (place + 1) * mains // number
        assert max(1, start) <= before < max(2, end)


@given(SEEDS, st.integers(0, 120), SHARES, SHARES, st.integers(1, 40))
@example(0, 12, 0.5, 0.5, 12)
@example(0, 9, 0.2, 0.5, 10)
def test_a_planned_repeat_always_has_a_trial_far_enough_back(
    seed: int, mains: int, catch: float, repeat: float, distance: int
) -> None:
    catches = catch_places(seed, "A01", mains, int(catch * mains))
    repeats = repeat_places(seed, "A01", mains, catches, int(repeat * mains), distance)
    order = order_of(Plan(mains, catches, repeats))
    assert order.count(Kind.MAIN) == mains
    assert order.count(Kind.CATCH) == len(catches)
    assert order.count(Kind.REPEAT) == len(repeats)
    far_enough = 0
    for place, kind in enumerate(order):
        if kind == Kind.REPEAT:
            far_enough += 1
            assert order[: max(0, place - distance + 1)].count(Kind.MAIN) >= far_enough


@given(SEEDS, st.integers(1, 120), SHARES, st.integers(1, 40))
def test_no_repeat_is_left_out_where_the_trials_are_more_than_the_distance(
    seed: int, distance: int, share: float, more: int
) -> None:
    mains = distance + more
    number = int(share * mains)
    assert len(repeat_places(seed, "A01", mains, (), number, distance)) == number


def test_repeats_come_after_the_last_main_trial_where_there_is_room_only_there() -> None:
    made = plan(mains=10, repeats=0.5, distance=10)
    assert order_of(made) == [Kind.MAIN] * 10 + [Kind.REPEAT] * 5


def test_repeats_without_any_room_are_left_out() -> None:
    assert plan(mains=5, repeats=0.5, distance=10) == Plan(5)


@given(SEEDS, st.integers(1, 100), SHARES, SHARES, st.integers(1, 20), st.integers(0, 100))
def test_what_is_due_is_what_the_order_holds(
    seed: int, mains: int, catch: float, repeat: float, distance: int, until: int
) -> None:
    catches = catch_places(seed, "A01", mains, int(catch * mains))
    made = Plan(mains, catches, repeat_places(seed, "A01", mains, catches, int(repeat * mains), distance))
    until = min(until, mains)
    order = order_of(made)
    places = [place for place, kind in enumerate(order) if kind == Kind.MAIN]
    end = places[until] if until < mains else len(order)
    assert made.due(until) == end - bisect_right(places, end - 1)
