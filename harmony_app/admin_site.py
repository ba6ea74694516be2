"""The site of Django's admin."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from studies.roles import is_admin


class AdministrationSite(AdminSite):
    """For admins alone: it shows every study's rows, which researchers must not see of each other."""

    site_header = "Harmony"
    site_title = "Harmony"
    index_title = "Studies and annotators"

    def has_permission(self, request: HttpRequest) -> bool:
        return is_admin(request.user)
