"""The command line as a person meets it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_database_without_tables_is_named_with_the_remedy(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "manage.py", "agreement_report", "demo", "--out", str(tmp_path / "report")],
        cwd=ROOT,
        env=environ | {"HARMONY_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert str(tmp_path / "data") in done.stderr
    assert "Traceback" not in done.stderr
