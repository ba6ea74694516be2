"""Everyone who logs in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Everyone who logs in: annotators, researchers (staff) and admins."""
