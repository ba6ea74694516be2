"""All settings of Harmony, read from the environment.

Nothing has to be set on one machine: SQLite and local files below `HARMONY_DATA_DIR` are enough. A value that cannot
be used raises `ImproperlyConfigured` with the variable, the value and the remedy.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from attribution.errors import InputError
from attribution.shared_storage import SharedStorage
from harmony_app.database_settings import database
from harmony_app.environment import (
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_networks,
    env_path,
    env_text,
    env_time_zone,
    made_once,
    random_secret,
)
from harmony_app.logs import FORMATS, logging_settings
from harmony_app.media_storage import media_storage

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env_path("HARMONY_DATA_DIR", BASE_DIR / "var")
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


# Database

DATABASE_URL = env_text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'harmony.sqlite3'}")
DATABASES = {"default": database(DATABASE_URL)}
IS_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if IS_SQLITE and DATABASES["default"]["NAME"] != ":memory:":
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# Secrets and hosts


def secret_key() -> str:
    """Return `SECRET_KEY`; with SQLite one is made on the first start and kept in the data folder."""
    if given := env_text("SECRET_KEY", ""):
        return given
    if not IS_SQLITE:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set, and DATABASE_URL is not SQLite; set SECRET_KEY to a long random text, "
            "the same for every server"
        )
    return made_once(DATA_DIR / "secret_key", random_secret())


SECRET_KEY = secret_key()
DEBUG = env_bool("DEBUG", False)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", LOOPBACK_HOSTS)
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
for _origin in CSRF_TRUSTED_ORIGINS:
    if "://" not in _origin:
        raise ImproperlyConfigured(f"CSRF_TRUSTED_ORIGINS={_origin!r} has no scheme; use 'https://{_origin}'")

# Off only while every host is this machine itself, unless said otherwise.
HTTPS = env_bool("HTTPS", any(host not in LOOPBACK_HOSTS for host in ALLOWED_HOSTS))
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
# Lax, not Strict: whoever comes from a recruitment site by a link is still logged in.
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env_int("SESSION_HOURS", 14 * 24, minimum=1) * 3600
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
# Asked from within, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 30 * 24 * 3600) if HTTPS else 0
# The proxy in front must set this header itself and drop the one a browser sends.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Only what these say in X-Forwarded-For is believed.
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# HSTS for sub-domains and the browsers' preload list bind a whole domain: its owner's decision, not Harmony's.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]


# Applications

INSTALLED_APPS = [
    "harmony_app.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "studies",
    "analysis",
    "harmony_app.apps.HarmonyConfig",
]
MIDDLEWARE = [
    "harmony_app.request_ids.RequestIdMiddleware",
    "harmony_app.metrics.requests.MetricsMiddleware",
    "harmony_app.client_address.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "harmony_app.security.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "studies.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before CSRF checks, which read the whole body.
    "harmony_app.body_size.BodySizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "harmony_app.storage_failures.StorageFailureMiddleware",
]
ROOT_URLCONF = "harmony_app.urls"
WSGI_APPLICATION = "harmony_app.wsgi.application"
ASGI_APPLICATION = "harmony_app.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"request_ids": "harmony_app.request_id_tags"},
        },
    },
]

AUTH_USER_MODEL = "studies.User"
AUTHENTICATION_BACKENDS = [
    # First, because it refuses those who have to wait before their password is looked at.
    "axes.backends.AxesBackend",
    "harmony_app.sessions.UserBackend",
]
SESSION_ENGINE = "harmony_app.sessions"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Log-in throttling. Failures are counted per account and address together: counted by account alone anyone could lock
# out anyone, by address alone a whole class room could.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env_int("AXES_FAILURE_LIMIT", 8, minimum=1)
AXES_COOLOFF_TIME = timedelta(minutes=env_int("AXES_COOLOFF_MINUTES", 15, minimum=1))
# Asking again while locked out makes the wait no longer, so the page can say how long it is.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
# No record of who was where: an address is forgotten once it no longer locks out.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429
AXES_USERNAME_CALLABLE = "harmony_app.log_in_throttle.throttled_name"
AXES_CLIENT_IP_CALLABLE = "harmony_app.log_in_throttle.throttled_address"
# Nobody's name or address in the log.
AXES_CLIENT_STR_CALLABLE = "harmony_app.logs.unnamed_client"
AXES_LOCKOUT_CALLABLE = "harmony_app.log_in_throttle.locked_out"

REST_FRAMEWORK = {
    # Throttles count by REMOTE_ADDR, which ClientAddressMiddleware has set, and believe no header themselves.
    "NUM_PROXIES": 0,
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["studies.api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "studies.api.schema.AutoSchema",
    # Otherwise `?format=` would be taken away from downloads that have it.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Harmony API",
    "VERSION": "1",
    "DESCRIPTION": "Studies of attribution maps: how they are run, what was answered, and what came of it.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "TAGS": [
        {"name": "Researchers", "description": "With a token, or logged in."},
        {
            "name": "Annotators",
            "description": "What the pages of whoever takes part ask for; logged in, without tokens.",
        },
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "StudyState": "studies.models.Study.State",
        "ParticipationState": "studies.models.Participation.State",
        "BuildState": "studies.models.Build.State",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "defaultModelsExpandDepth": -1,
        "docExpansion": "list",
        "validatorUrl": None,
    },
}
# Per token, or per user who is logged in, in each process of the server.
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 300, minimum=1)
API_IMPORTS_PER_HOUR = env_int("API_IMPORTS_PER_HOUR", 30, minimum=1)
BUNDLE_MEBIBYTES = env_int("BUNDLE_MEBIBYTES", 512, minimum=1)


# Files

STATIC_URL = "static/"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "static"]
JSPSYCH_DIR = BASE_DIR / "node_modules" / "jspsych" / "dist"
if JSPSYCH_DIR.is_dir():
    STATICFILES_DIRS.append(("vendor/jspsych", JSPSYCH_DIR))
# The stock plugins that protocols can name: one script of each, as vendor/jspsych-plugins/<name>.js.
JSPSYCH_PLUGINS_DIR = BASE_DIR / "node_modules" / "@jspsych"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "studies.protocol.plugin_files.PluginFinder",
]
# Unset: WhiteNoise serves static files straight from the source. Set (and filled by collectstatic): hashed names.
STATIC_ROOT = env_path("STATIC_ROOT", BASE_DIR) if env_text("STATIC_ROOT", "") else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

# Pictures lie here by digest, or in the bucket of HARMONY_MEDIA_URL. They are never served by address: studies.views
# decides who sees which.
MEDIA_ROOT = env_path("MEDIA_ROOT", DATA_DIR / "media")
STORAGES: dict[str, dict[str, Any]] = {
    "default": media_storage(env_text("HARMONY_MEDIA_URL", ""), MEDIA_ROOT),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_ROOT is None
        else "harmony_app.static_storage.ModulesManifestStorage",
    },
}

# A bucket that so many looks in a row got no answer of is left alone for so long, by pages that somebody waits for.
MEDIA_TIMEOUTS = env_int("HARMONY_MEDIA_TIMEOUTS", 3)
MEDIA_PAUSE_SECONDS = env_int("HARMONY_MEDIA_PAUSE_SECONDS", 5, minimum=1)

# Whether an import waits until its pictures are on the disk of MEDIA_ROOT.
MEDIA_SYNC = env_bool("HARMONY_MEDIA_SYNC", True)

# Where `manage.py backup` writes unless told otherwise, and where `manage.py doctor` looks for the last backup.
BACKUP_DIR = env_path("HARMONY_BACKUP_DIR", BASE_DIR) if env_text("HARMONY_BACKUP_DIR", "") else None


# Work in the background: with a broker, Celery workers; without one, nothing is queued

CELERY_BROKER_URL = env_text("CELERY_BROKER_URL", "")
CELERY_TASK_ALWAYS_EAGER = not CELERY_BROKER_URL
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# Who computes reports: a process that is started for each on the web server's machine, or Celery workers of the queue
# `reports`.
REPORTS = "celery" if env_bool("HARMONY_REPORT_WORKER", False) else "process"
if REPORTS == "celery" and not CELERY_BROKER_URL:
    raise ImproperlyConfigured(
        "HARMONY_REPORT_WORKER is true, and CELERY_BROKER_URL is not set; set it to the address of Redis, or leave "
        "HARMONY_REPORT_WORKER out, so that reports are computed on this machine"
    )
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"analysis.compute_report": {"queue": "reports"}}
# A broker that is gone is an error after seconds, not a request that never ends.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # As long as GPU workers give themselves (attribution/worker.py): each hands out again what any worker of the same
    # Redis has held for longer, and a fine-tuning takes hours.
    "visibility_timeout": 24 * 3600,
    "socket_connect_timeout": 5,
    "socket_timeout": 30,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}

# Who does builds: Celery workers of the queue `gpu`, or one process of the web server's machine.
BUILDS = "celery" if env_bool("HARMONY_BUILD_WORKER", False) else "process"
if BUILDS == "celery" and not CELERY_BROKER_URL:
    raise ImproperlyConfigured(
        "HARMONY_BUILD_WORKER is true, and CELERY_BROKER_URL is not set; set it to the address of Redis, or leave "
        "HARMONY_BUILD_WORKER out, so that builds are done on this machine"
    )
# The storage that the web side and those who do builds share.
BUILDS_URL = env_text("HARMONY_BUILDS_URL", f"file://{DATA_DIR / 'builds'}")
try:
    SharedStorage.open(BUILDS_URL)
except InputError as _error:
    raise ImproperlyConfigured(f"HARMONY_BUILDS_URL: {_error}") from _error
# What a local build starts as its child; `--storage URL` is added.
BUILD_CHILD = [sys.executable, "-m", "attribution", "work"]
# For how long nothing may be heard of a step that runs, and how long one that was sent may wait beside an empty queue.
BUILD_SILENT_SECONDS = 60.0
BUILD_UNSENT_SECONDS = 30.0
# After so long without news of a build, what is in the storage counts.
BUILD_LOOK_SECONDS = 30.0
BUILD_TICK_SECONDS = 5.0
CELERY_BEAT_SCHEDULE = {
    "builds": {
        "task": "studies.builds.tick",
        "schedule": BUILD_TICK_SECONDS,
        # Where nobody took it in time, the next one does.
        "options": {"expires": BUILD_TICK_SECONDS},
    },
    "retention": {"task": "studies.apply_retention", "schedule": crontab(hour="4", minute="0")},
}
# When each was sent last. Beat alone writes it.
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")


# What is deleted after how many days by `manage.py apply_retention`; None: kept until somebody erases it

RETENTION_DAYS_IDENTITIES = env_int("RETENTION_DAYS_IDENTITIES", 0) or None
RETENTION_DAYS_PREVIEWS = env_int("RETENTION_DAYS_PREVIEWS", 90, minimum=1)
# Beyond their end.
RETENTION_DAYS_SESSIONS = env_int("RETENTION_DAYS_SESSIONS", 1)
RETENTION_DAYS_TOKENS = env_int("RETENTION_DAYS_TOKENS", 90)
RETENTION_DAYS_LOG_INS = env_int("RETENTION_DAYS_LOG_INS", 7, minimum=1)


# Language, time, log

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = env_time_zone("TIME_ZONE", "UTC")
USE_TZ = True

LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
LOG_FORMAT = env_choice("LOG_FORMAT", FORMATS[0], FORMATS)
LOGGING = logging_settings(LOG_FORMAT, LOG_LEVEL)


# Looking into the running site

METRICS_TOKEN = env_text("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured(
        "METRICS_TOKEN has fewer than 16 characters, so it could be guessed; make one with `openssl rand -hex 24`"
    )
SENTRY_DSN = env_text("SENTRY_DSN", "")
if SENTRY_DSN:
    from harmony_app.error_reports import report_errors

    report_errors(SENTRY_DSN)


# Studies

# An assignment that is not answered for this long goes back to the pool at the next draw.
ASSIGNMENT_LIFETIME_HOURS = env_int("ASSIGNMENT_LIFETIME_HOURS", 24, minimum=1)

# Where annotators may be sent at the end by a protocol's completion address: hosts, with a port that is not the usual.
COMPLETION_HOSTS = [host.lower() for host in env_list("COMPLETION_HOSTS", ["app.prolific.com", "app.prolific.co"])]
for _host in COMPLETION_HOSTS:
    if "/" in _host or "@" in _host:
        raise ImproperlyConfigured(f"COMPLETION_HOSTS={_host!r} is no host name; use one like 'app.prolific.com'")
