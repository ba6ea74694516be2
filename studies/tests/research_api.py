"""A researcher's program, for tests of the API."""

from typing import Any

from django.test import Client

from studies.models import Study, User
from studies.services.tokens import token_make


def researcher(name: str, *studies: Study) -> User:
    """Make a researcher who owns these studies."""
    user = User.objects.create(username=name, is_staff=True)
    for study in studies:
        study.owner = user
        study.save(update_fields=["owner"])
    return user


class Program:
    """Asks the API with a token and nothing else."""

    def __init__(self, user: User, name: str = "program") -> None:
        self.token, self.secret = token_make(user=user, name=name)
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"}, enforce_csrf_checks=True)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"/api/v1/{path}", body, content_type="application/json")

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(f"/api/v1/{path}", body, content_type="application/json")

    def upload(self, archive: bytes) -> Any:
        return self.client.post("/api/v1/bundles/", archive, content_type="application/zip")
