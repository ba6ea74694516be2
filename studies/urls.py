"""Addresses of the annotators' pages and of the pictures."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
