"""What beat sends."""

from django.conf import settings

from harmony_app.celery import app


def test_every_entry_of_beat_names_a_task_that_there_is() -> None:
    app.loader.import_default_modules()
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert named == {"studies.builds.tick", "studies.apply_retention"}
    assert named <= set(app.tasks)
