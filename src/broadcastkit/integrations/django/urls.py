"""`path("broadcasting/", include("broadcastkit.integrations.django.urls"))`: both endpoints that clients ask."""

from __future__ import annotations

from typing import Any

from django.urls import path

from broadcastkit.integrations.django import views

__all__ = ["app_name", "urlpatterns"]

app_name: str = "broadcasting"
urlpatterns: list[Any] = [
    path("auth", views.auth, name="auth"),
    path("user-auth", views.user_auth, name="user-auth"),
]
