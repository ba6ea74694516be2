"""Addresses of the researchers' pages, below /dashboard/."""

from django.urls import path

from studies import views_dashboard as pages

urlpatterns = [
    path("", pages.dashboard, name="dashboard"),
]
