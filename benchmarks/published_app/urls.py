"""Addresses: a group is named by four names, an example by its number in them, an answer by one more."""

from django.urls import path

from published_app import views

GROUP = "trials/<str:dataset>/<str:experiment>/<str:network>/<str:method>"

urlpatterns = [
    path("", views.start),
    path(GROUP, views.group),
    path(f"{GROUP}/<int:example>", views.trial),
    path(f"{GROUP}/<int:example>/<str:choice>", views.vote),
]
