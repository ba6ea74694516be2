"""GPU workers that are killed while they fine-tune, explain or bundle."""

import pytest

from tests.faults.build_orders import Moment
from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.mark.parametrize(
    ("kind", "moment"), [("finetune", "middle"), ("chunk", "middle"), ("chunk", "stored"), ("merge", "middle")]
)
def test_a_step_whose_process_is_killed_is_done_again_at_once(
    build_site: BuildSite, references: dict[str, Reference], kind: str, moment: Moment
) -> None:
    fault = build_site.order(kind, moment, "kill")
    run = Run(build_site, references["small"])
    told = run.ends_right(f"kill -9 of the worker's child in a step of kind {kind} ({moment})")
    assert fault.is_struck
    assert told["attempt"] == 1


@pytest.mark.parametrize("kind", ["finetune", "chunk"])
def test_another_worker_goes_on_with_the_step_of_a_worker_that_is_gone(
    build_site: BuildSite, references: dict[str, Reference], kind: str
) -> None:
    fault = build_site.order(kind, "middle", "kill_all")
    run = Run(build_site, references["small"])
    run.until_struck(fault)
    build_site.kill("gpu1")
    build_site.start("gpu1")
    told = run.ends_right(f"kill -9 of the whole worker in a step of kind {kind}; another is started")
    assert told["attempt"] == 1
    begun = build_site.carried_out(kind)
    assert len(begun) == len(set(begun)) + 1
