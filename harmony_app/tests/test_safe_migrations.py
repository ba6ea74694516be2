"""Migrations that the release before can live with: it goes on running while they are applied (docs/upgrading.md)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harmony_app.tests.servers import ROOT, Postgres

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Made before any site was to be upgraded without a break; each locks tables, which were small then.
EXCEPTIONS = {
    "0002_protocol_recruitment_and_roles": "columns without defaults, unique constraints",
    "0004_imported_studies": "a column without a default",
    "0002_report_runs": "an index made while the table is locked",
}
# What the linter calls each migration: OK, WARNING, ERR or IGNORE.
LINT = """
import json, sys
import django
django.setup()
from django_migration_linter import MigrationLinter
apps, ignored = json.loads(sys.argv[1])
linter = MigrationLinter(
    include_apps=apps, ignore_name=ignored, no_cache=True, all_warnings_as_errors=True, no_output=True
)
found = {}
def note(app, name, state, *more):
    found[f"{app}.{name}"] = state
linter.print_linting_msg = note
linter.lint_all_migrations()
print(json.dumps(found))
"""
RISKY = {
    "0002_drop": "migrations.RemoveField('thing', 'first')",
    "0003_rename": "migrations.RenameField('thing', 'second', 'other')",
    "0004_required": "migrations.AddField('thing', 'required', models.IntegerField(default=3))",
    "0005_index": "migrations.AddIndex('thing', models.Index(fields=['third'], name='thing_by_third'))",
}
SAFE = {
    "0006_optional": "migrations.AddField('thing', 'optional', models.IntegerField(null=True))",
    "0007_default": "migrations.AddField('thing', 'counted', models.IntegerField(db_default=0))",
}


def linted(postgres: Postgres, apps: list[str], ignored: list[str], **environment: str) -> dict[str, str]:
    """Return what the linter says of each migration's SQL on PostgreSQL."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, json.dumps([apps, ignored])],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": postgres.new_database(),
            "SECRET_KEY": 10 * "for-tests-only",
            "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
            "LOG_LEVEL": "WARNING",
            **environment,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_migration_leaves_the_release_before_running(postgres: Postgres) -> None:
    found = linted(postgres, ["studies", "analysis"], sorted(EXCEPTIONS))
    assert found["studies.0001_initial"] == "OK"
    bad = {name: state for name, state in found.items() if state not in ("OK", "IGNORE")}
    assert bad == {}, "expand first, and contract in a later release (docs/upgrading.md)"


def test_migrations_that_would_break_the_release_before_are_found(postgres: Postgres, tmp_path: Path) -> None:
    app = tmp_path / "risky"
    (app / "migrations").mkdir(parents=True)
    for file in ("__init__.py", "migrations/__init__.py"):
        (app / file).write_text("")
    columns = ", ".join(f"('{name}', models.IntegerField(null=True))" for name in ("first", "second", "third"))
    operations = {
        "0001_initial": f"migrations.CreateModel('Thing', [('id', models.BigAutoField(primary_key=True)), {columns}])",
        **RISKY,
        **SAFE,
    }
    before = "[]"
    for name, operation in operations.items():
        (app / "migrations" / f"{name}.py").write_text(
            "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
            f"    dependencies = {before}\n    operations = [{operation}]\n"
        )
        before = f"[('risky', '{name}')]"
    (tmp_path / "risky_settings.py").write_text(
        "from harmony_app.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'risky']\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    found = linted(postgres, ["risky"], [], DJANGO_SETTINGS_MODULE="risky_settings", PYTHONPATH=path)
    risky = {name.removeprefix("risky."): state for name, state in found.items() if name.startswith("risky.")}
    assert {name for name, state in risky.items() if state == "ERR"} == set(RISKY)
    assert {name for name, state in risky.items() if state == "OK"} == {"0001_initial", *SAFE}
