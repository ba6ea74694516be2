"""Addresses of the researchers' API, below /api/v1/."""

from django.urls import path

from studies.api.research import builds, views
from studies.api.research.downloads import PageAnswersDownloadView, ResponsesDownloadView
from studies.api.research.imports import BundlesView
from studies.api.research.reference import DocsView, SchemaView

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", DocsView.as_view(), name="api_docs"),
    path("bundles/", BundlesView.as_view(), name="api_bundles"),
    path("builds/", builds.BuildsView.as_view(), name="api_builds"),
    path("builds/<uuid:key>/", builds.BuildView.as_view(), name="api_build"),
    path("builds/<uuid:key>/cancel/", builds.BuildCancelView.as_view(), name="api_build_cancel"),
    path("builds/<uuid:key>/retry/", builds.BuildRetryView.as_view(), name="api_build_retry"),
    path("builds/<uuid:key>/log/", builds.BuildLogView.as_view(), name="api_build_log"),
    path("studies/", views.StudiesView.as_view(), name="api_studies"),
    path("studies/<slug:slug>/", views.StudyView.as_view(), name="api_study"),
    path("studies/<slug:slug>/conditions/", views.ConditionsView.as_view(), name="api_conditions"),
    path("studies/<slug:slug>/trials/", views.TrialsView.as_view(), name="api_trials"),
    path("studies/<slug:slug>/annotators/", views.AnnotatorsView.as_view(), name="api_annotators"),
    path("studies/<slug:slug>/responses/", ResponsesDownloadView.as_view(), name="api_responses"),
    path("studies/<slug:slug>/page-answers/", PageAnswersDownloadView.as_view(), name="api_page_answers"),
    path("studies/<slug:slug>/protocol/", views.ProtocolView.as_view(), name="api_protocol"),
    path("studies/<slug:slug>/audit/", views.AuditView.as_view(), name="api_audit"),
]
