"""Addresses of the API, below /api/v1/."""

from django.urls import path

from studies.api.views import NextAssignmentsView, ResponsesView

urlpatterns = [
    path("studies/<slug:slug>/assignments/next/", NextAssignmentsView.as_view(), name="assignments_next"),
    path("assignments/<slug:token>/responses/", ResponsesView.as_view(), name="responses"),
]
