"""Security headers, on pages and on static files."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from harmony_app.security import SecurityHeadersMiddleware, content_security_policy, policy_text
from studies.runner_page import CSP_CHANGES

PAGES = ["/accounts/login/", "/admin/login/", "/healthz", "/no/such/page"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_every_page_forbids_inline_scripts_and_foreign_sources(client: Client, address: str) -> None:
    policy = client.get(address).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_pages_carry_the_usual_headers(client: Client) -> None:
    headers = client.get("/accounts/login/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_a_view_can_have_other_sources_and_keeps_the_rest() -> None:
    @content_security_policy({"style-src": ("'self'", "'unsafe-inline'")})
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("a report")

    response = SecurityHeadersMiddleware(view)(RequestFactory().get("/"))
    policy = response.headers["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert policy.replace(" 'unsafe-inline'", "") == policy_text()


def test_an_app_can_ask_for_other_sources_of_styles_alone() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        request.META[CSP_CHANGES] = {"style-src": ("'self'", "'unsafe-inline'")}
        return HttpResponse("a plugin's page")

    policy = SecurityHeadersMiddleware(view)(RequestFactory().get("/")).headers["Content-Security-Policy"]
    assert policy.replace(" 'unsafe-inline'", "") == policy_text()
    assert policy != policy_text()
