"""Addresses of the analysis."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
