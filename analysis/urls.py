"""Addresses of the analysis."""

from django.urls import URLPattern, path

from analysis.views import report_download, report_page

urlpatterns: list[URLPattern] = [
    path("studies/<slug:slug>/report/", report_page, name="report"),
    path("studies/<slug:slug>/report/<str:name>", report_download, name="report-download"),
]
