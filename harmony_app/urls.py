"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from analysis.api import ReportView
from harmony_app.health import healthz, readyz
from harmony_app.metrics.views import metrics

# Django's forms would take a PUT for a POST.
FORM_METHODS = ["get", "head", "options", "post"]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path(
        "accounts/login/",
        auth_views.LoginView.as_view(redirect_authenticated_user=True, http_method_names=FORM_METHODS),
        name="login",
    ),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path(
        "accounts/password/",
        auth_views.PasswordChangeView.as_view(http_method_names=FORM_METHODS),
        name="password_change",
    ),
    path("accounts/password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("api/v1/studies/<slug:slug>/report/", ReportView.as_view(), name="api_report"),
    path("api/v1/", include("studies.api.urls")),
    path("", include("analysis.urls")),
    path("", include("studies.urls")),
]

handler400 = "harmony_app.errors.bad_request"
handler404 = "harmony_app.errors.not_found"
handler500 = "harmony_app.errors.server_error"
