"""Addresses of the builds' pages, below /builds/."""

from django.urls import path

from studies.dashboard import build_changes, builds

urlpatterns = [
    path("", builds.builds, name="builds"),
    path("new/", build_changes.new, name="build_new"),
    path("<uuid:key>/", builds.build, name="build"),
    path("<uuid:key>/progress/", builds.progress, name="build_progress"),
    path("<uuid:key>/config.toml", builds.config_file, name="build_config"),
    path("<uuid:key>/log.txt", builds.log_file, name="build_log"),
    path("<uuid:key>/cancel/", build_changes.cancel, name="build_cancel"),
    path("<uuid:key>/retry/", build_changes.retry, name="build_retry"),
    path("<uuid:key>/remove/", build_changes.remove, name="build_remove"),
]
