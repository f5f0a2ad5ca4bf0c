from __future__ import annotations

from django.urls import include, path

from tests.integrations.django_project.chat import views

urlpatterns = [
    path("broadcasting/", include("broadcastkit.integrations.django.urls")),
    path("messages/blocking", views.send_blocking),
    path("messages/awaited", views.send_awaited),
    path("up", views.up),
]
