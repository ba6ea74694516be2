"""The Celery application, configured by the `CELERY_` settings.

Without `CELERY_BROKER_URL` no broker is used: tasks of this project run in the process that calls them.
"""

import os

from celery import Celery

from attribution.worker_signs import show_signs
from harmony_app import task_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmony_app.settings")

app = Celery("harmony")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
show_signs(app)
task_context.connect()
