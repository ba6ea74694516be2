"""A site with a little of everything, and a backup of it, for tests."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import override_settings

from harmony_app.backups.tables import columns_of, database_loader, models_at
from studies.models import ExternalIdentity, Participation, Study, User
from studies.services import assignments_draw, copy_study, enrol, load_bundle
from studies.services.audit import audit_write
from studies.services.tokens import token_make
from studies.simulation import simulate_annotators
from studies.tests.flow_studies import TRIALS, add_protocol
from studies.tests.test_drawing import answer


@contextmanager
def storage_in(folder: Path) -> Iterator[Path]:
    """Keep the objects of the storage in this folder."""
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"default": media, "staticfiles": static}):
        yield folder


def fill_site(bundle: Path) -> Study:
    """Put a study with answers, people, a token, a protocol and a file of a report into the site."""
    study = load_bundle(folder=bundle).study
    simulated = copy_study(study=study, slug="simulated", is_simulated=True)
    simulate_annotators(study=simulated, annotators=3, seed=1)
    add_protocol(study, TRIALS)
    person = User.objects.create_user(username="ana", password="correct horse", email="ana@lab.example")
    participation = enrol(study=study, annotator=person)
    first, _second = assignments_draw(participation=participation, count=2)
    answer(first)
    ExternalIdentity.objects.create(
        study=study,
        participation=participation,
        service=ExternalIdentity.Service.PROLIFIC,
        digest="d" * 64,
        external_id="5f0000000000000000000001",
    )
    audit_write(study=study, actor=person, action="state_changed", detail={"to": "open", "of": ["ä", 1.5, None]})
    token_make(user=person, name="desk")
    default_storage.save("reports/tiny/1-1-1/report.json", ContentFile(b'{"answers": 1}'))
    return study


def all_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table that a backup holds."""
    loader = database_loader()
    models = models_at(loader, sorted(loader.applied_migrations))
    return {
        label: list(model._base_manager.order_by("pk").values_list(*(field.attname for field in columns_of(model))))
        for label, model in models.items()
    }


def stored(folder: Path) -> dict[str, str]:
    """Return name and digest of every object in a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_empty() -> bool:
    """Whether nobody and nothing is in the database."""
    return not User.objects.exists() and not Study.objects.exists() and not Participation.objects.exists()
