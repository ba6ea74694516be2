"""The tables of a backup, and how their values are written so that either database can read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models
from django.db import connection as site_connection
from django.db.migrations.loader import MigrationLoader
from django.utils.duration import duration_string

from harmony_app.backups.manifest import BackupError

# What is of use for hours only, and tells who was where: nobody wants it in an archive.
LEFT_OUT_APPS = frozenset({"axes", "sessions"})
# Rows that `migrate` makes by itself in a database without any.
MADE_BY_MIGRATE = frozenset({"contenttypes.contenttype", "auth.permission"})

ALIAS = DEFAULT_DB_ALIAS

Model: TypeAlias = type[models.Model]
Migrations: TypeAlias = Iterable[tuple[str, str]]


def applied_migrations(loader: MigrationLoader) -> list[tuple[str, str]]:
    return sorted(loader.applied_migrations)


def unknown_migrations(loader: MigrationLoader, wanted: Migrations) -> list[str]:
    """Return the migrations that this version of Harmony does not have."""
    return sorted(f"{app}.{name}" for app, name in wanted if (app, name) not in loader.disk_migrations)


def models_at(loader: MigrationLoader, migrations: Migrations) -> dict[str, Model]:
    """Return the models that a backup holds as they were after these migrations, by label such as `studies.study`."""
    nodes = [node for node in migrations if node in loader.graph.nodes]
    apps = loader.project_state(nodes).apps
    found = {model._meta.label_lower: model for model in apps.get_models(include_auto_created=True)}
    return {
        label: model
        for label, model in sorted(found.items())
        if model._meta.managed and model._meta.app_label not in LEFT_OUT_APPS
    }


def database_loader() -> MigrationLoader:
    return MigrationLoader(site_connection)


def columns_of(model: Model) -> list[models.Field[Any, Any]]:
    return list(model._meta.local_concrete_fields)


def header_of(model: Model) -> list[list[str]]:
    """Return name and type of each column."""
    return [[field.attname, field.get_internal_type()] for field in columns_of(model)]


def encoded(value: object, field: models.Field[Any, Any]) -> Any:
    """Return a value as JSON can hold it without loss."""
    if value is None or isinstance(value, bool | int | str) or isinstance(field, models.JSONField):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return duration_string(value)
    raise BackupError(f"{field.model._meta.label}.{field.name}: values of {type(value).__name__} cannot be backed up")


def decoded(value: Any, field: models.Field[Any, Any]) -> Any:
    """Return the value that was encoded, as Django gives it to the database."""
    if isinstance(field, models.JSONField):
        # The JSON null, which is a value, and not an empty column.
        return models.Value(None, models.JSONField()) if value is None and not field.null else value
    return field.to_python(value)


def tables_present() -> list[str]:
    """Return the names of the tables that the database has."""
    with site_connection.cursor() as cursor:
        return sorted(site_connection.introspection.table_names(cursor))
