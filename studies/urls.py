"""Addresses of the annotators' pages and of the pictures."""

from django.urls import include, path

from studies import views, views_ending, views_tokens
from studies.catalogue import CatalogueView
from studies.recruiting import views as recruiting

urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", include("studies.dashboard.urls")),
    path("builds/", include("studies.dashboard.build_urls")),
    path("studies/<slug:slug>/", views.runner, name="runner"),
    path("studies/<slug:slug>/done/", views_ending.done, name="done"),
    path("studies/<slug:slug>/withdraw/", views_ending.withdraw, name="withdraw"),
    path("accounts/tokens/", views_tokens.tokens, name="api_tokens"),
    path("accounts/tokens/<int:pk>/revoke/", views_tokens.revoke, name="api_token_revoke"),
    path("join/<slug:token>/", recruiting.join, name="join"),
    path("prolific/<slug:slug>/", recruiting.prolific, name="prolific"),
    path("pictures/<slug:token>/<slug:slot>", views.picture, name="picture"),
    path("admin-pictures/<slug:digest>.png", views.stored_picture, name="stored_picture"),
    path("texts/<slug:language>.js", CatalogueView.as_view(), name="catalogue"),
]
