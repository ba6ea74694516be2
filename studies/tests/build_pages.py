"""The pages of builds as tests look at them."""

import html
import re

from django.test import Client
from django.urls import reverse

from studies.models import Build, User


def client_of(user: User) -> Client:
    """Return a browser in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return client


def address(name: str, build: Build) -> str:
    return reverse(name, args=[build.key])


def page_of(client: Client, build: Build) -> str:
    return client.get(address("build", build)).content.decode()


def words(page: str) -> str:
    """The text of a page, without markup."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(plain).split())
