"""The WSGI application: `gunicorn harmony_app.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmony_app.settings")

application = get_wsgi_application()
