"""Addresses of the API, below /api/v1/."""

from django.urls import include, path

from studies.api.flow_views import NextStepView, PageView, WithdrawalView
from studies.api.views import NextAssignmentsView, ResponsesView

urlpatterns = [
    path("", include("studies.api.research.urls")),
    path("studies/<slug:slug>/steps/next/", NextStepView.as_view(), name="steps_next"),
    path("studies/<slug:slug>/pages/<slug:key>/", PageView.as_view(), name="page"),
    path("studies/<slug:slug>/withdraw/", WithdrawalView.as_view(), name="withdrawal"),
    path("studies/<slug:slug>/assignments/next/", NextAssignmentsView.as_view(), name="assignments_next"),
    path("assignments/<slug:token>/responses/", ResponsesView.as_view(), name="responses"),
]
