from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    default_site = "harmony_app.admin_site.AdministrationSite"
