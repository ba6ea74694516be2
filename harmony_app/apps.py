from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    default_site = "harmony_app.admin_site.AdministrationSite"


class HarmonyConfig(AppConfig):
    """The project as an application of its own: it has commands, and no models."""

    name = "harmony_app"
    verbose_name = "Harmony"
