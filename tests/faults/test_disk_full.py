"""Pictures and exports that the disk has no room for: nothing half-written stays, and the next try succeeds.

The kernel refuses the writes: a file may not grow beyond a limit that is set for the process.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harmony_app.local_servers import ServerError
from harmony_app.tests.servers import LiveSite, Postgres, running_site
from studies.tests.bundles import write_bundle
from tests.faults.people import PROTOCOL

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Like manage.py, in a process none of whose files can grow beyond so many bytes.
LIMITED = """
import resource, sys
from django.core.management import execute_from_command_line
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""


@pytest.fixture(scope="module")
def site(durable_postgres: Postgres) -> Iterator[LiveSite]:
    """A site whose database is elsewhere, so that the limit holds for its files alone."""
    with running_site(durable_postgres.new_database(), workers=1) as site:
        yield site


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of some 48 kB each."""
    folder = tmp_path_factory.mktemp("large")
    return write_bundle(folder, slug="large", images=2, metrics=["RMA", "Focus"], attributors=["GradCAM"], size=128)


def without_room(site: LiveSite, limit: int, *arguments: str) -> str:
    """Run a management command that must fail for want of room; returns what it printed."""
    with pytest.raises(ServerError, match="File too large") as failed:
        site.python("-c", LIMITED, str(limit), *arguments)
    return str(failed.value)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_bundle_without_room_for_its_pictures_is_not_loaded_and_loads_later(site: LiveSite, bundle: Path) -> None:
    without_room(site, 20_000, "load_study", str(bundle))
    assert site.manage("check_study") == ""
    assert "loaded" in site.manage("load_study", str(bundle))
    assert site.manage("check_study", "large", "--pictures") == "large: consistent\n"


def test_a_protocol_without_room_for_its_decoys_is_not_set_and_is_set_later(site: LiveSite, tmp_path: Path) -> None:
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(PROTOCOL)
    without_room(site, 2_000, "set_protocol", "large", str(protocol))
    assert site.manage("show_protocol", "large", "--list") == ""
    assert "version 1" in site.manage("set_protocol", "large", str(protocol))
    assert site.manage("check_study", "large", "--pictures") == "large: consistent\n"


def test_a_report_without_room_leaves_the_earlier_one_whole(site: LiveSite, tmp_path: Path) -> None:
    out = tmp_path / "report"
    site.manage("simulate_annotators", "large", "--annotators", "4", "--copy-as", "simulated")
    site.manage("agreement_report", "simulated", "--out", str(out))
    before = {path: path.read_bytes() for path in files_below(out)}
    assert before
    without_room(site, 1_000, "agreement_report", "simulated", "--out", str(out))
    assert {path: path.read_bytes() for path in files_below(out)} == before
