"""Who there is: accounts with roles, and the tokens they sign in with."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models

__all__ = ["AccessToken", "User"]


class Users(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Any:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Any:
        return self.create_user(email, password, **fields, role=User.Role.ADMIN)


class User(AbstractUser):
    class Role(models.TextChoices):
        CLIENT = "client"
        ARTISAN = "artisan"
        ADMIN = "admin"

    class Verification(models.TextChoices):
        NONE = "none"
        REQUESTED = "requested"
        APPROVED = "approved"

    username = None
    first_name = None
    last_name = None
    email: Any = models.EmailField(unique=True)
    name: Any = models.CharField(max_length=80)
    role: Any = models.CharField(max_length=10, choices=Role, default=Role.CLIENT)
    avatar: Any = models.URLField(blank=True, null=True)  # noqa: DJ001 - null on the wire, too
    verification: Any = models.CharField(max_length=10, choices=Verification, default=Verification.NONE)

    objects: Any = Users()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return str(self.name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        # whoever is an administrator may do everything in Django's admin, and nobody else may open it
        self.is_staff = self.is_superuser = self.is_admin()
        super().save(*args, **kwargs)

    def is_admin(self) -> bool:
        return bool(self.role == self.Role.ADMIN)


class AccessToken(models.Model):
    """A token of the API. Only its digest is kept: who reads the table can use none."""

    user: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    name: Any = models.CharField(max_length=80, default="api")
    digest: Any = models.CharField(max_length=64, unique=True)
    # as in a session: with a new password it is another one, and the token is good no more
    auth_hash: Any = models.CharField(max_length=64)
    created_at: Any = models.DateTimeField(auto_now_add=True)
    expires_at: Any = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
