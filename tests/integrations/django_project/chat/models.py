"""Rows whose attributes are called as the ready-made events call them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class Person(AbstractUser):
    @property
    def name(self) -> str:
        return str(self.get_full_name() or self.get_username())


class Conversation(models.Model):
    members: Any = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="conversations")

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Message(models.Model):
    conversation: Any = models.ForeignKey(Conversation, models.CASCADE)
    sender: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sent")
    recipient: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="received")
    content: Any = models.TextField()
    created_at: Any = models.DateTimeField(default=timezone.now)
    # nobody's business but the moderators'
    report: Any = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"message {self.pk}"
