"""Addresses of the researchers' pages, below /dashboard/."""

from django.urls import path

from studies.dashboard import changes, exports, links, overview, rows, setup

urlpatterns = [
    path("", overview.dashboard, name="dashboard"),
    path("<slug:slug>/", overview.overview, name="dashboard_study"),
    path("<slug:slug>/numbers/", overview.numbers, name="dashboard_numbers"),
    path("<slug:slug>/annotators/", rows.annotators, name="dashboard_annotators"),
    path("<slug:slug>/annotators/<str:code>/", rows.annotator, name="dashboard_annotator"),
    path("<slug:slug>/annotators/<str:code>/exclude/", changes.exclude, name="dashboard_exclude"),
    path("<slug:slug>/annotators/<str:code>/readmit/", changes.readmit, name="dashboard_readmit"),
    path("<slug:slug>/trials/", rows.trials, name="dashboard_trials"),
    path("<slug:slug>/trials/<int:pk>/", rows.trial, name="dashboard_trial"),
    path("<slug:slug>/protocol/", changes.protocol, name="dashboard_protocol"),
    path("<slug:slug>/protocol/<int:version>/", setup.protocol_version, name="dashboard_protocol_version"),
    path("<slug:slug>/protocol/<int:version>.toml", setup.protocol_file, name="dashboard_protocol_file"),
    path("<slug:slug>/links/", links.links, name="dashboard_links"),
    path("<slug:slug>/links/<int:pk>/revoke/", links.revoke, name="dashboard_link_revoke"),
    path("<slug:slug>/identities/erase/", links.erase, name="dashboard_identities_erase"),
    path("<slug:slug>/results/", setup.exports, name="dashboard_exports"),
    path("<slug:slug>/exports/<str:name>", exports.download, name="dashboard_export"),
    path("<slug:slug>/log/", setup.audit, name="dashboard_audit"),
    path("<slug:slug>/settings/", setup.settings, name="dashboard_settings"),
    path("<slug:slug>/state/<slug:state>/", changes.state, name="dashboard_state"),
    path("<slug:slug>/archive/", changes.archive, name="dashboard_archive"),
    path("<slug:slug>/copy/", changes.copy, name="dashboard_copy"),
    path("<slug:slug>/preview/", changes.preview, name="dashboard_preview"),
    path("<slug:slug>/collaborators/add/", changes.add_collaborator, name="dashboard_collaborator_add"),
    path("<slug:slug>/collaborators/remove/", changes.remove_collaborator, name="dashboard_collaborator_remove"),
    path("<slug:slug>/owner/", changes.owner, name="dashboard_owner"),
]
