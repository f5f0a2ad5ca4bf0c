"""Django's admin, for administrators: roles and jobs, and nobody's messages; money is looked at, and not moved."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError

from examples.artisan_jobs.api import sign_in_key
from examples.artisan_jobs.models import Dispute, Job, Payment, User


class SignIn(AdminAuthenticationForm):
    """Counts with what the API counts: this door is no other way to try out passwords."""

    def clean(self) -> Any:
        request: Any = self.request
        if settings.SIGN_IN_LIMIT.hit(sign_in_key(request, self.cleaned_data.get("username") or "")) is not None:
            raise ValidationError("Too many tries: wait a minute.")
        return super().clean()


admin.site.login_form = SignIn


class Shown(admin.ModelAdmin):
    """Is looked at, and neither made nor changed nor deleted."""

    def has_add_permission(self, *_: Any) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class NewUser(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "role")


@admin.register(User)
class PeopleAdmin(UserAdmin):
    add_form = NewUser
    add_fieldsets = ((None, {"fields": ("email", "name", "role", "usable_password", "password1", "password2")}),)
    fieldsets = ((None, {"fields": ("email", "password", "name", "role", "verification", "avatar", "is_active")}),)
    list_display = ("name", "email", "role", "verification", "is_active")
    list_filter = ("role", "verification")
    search_fields = ("name", "email")
    ordering = ("name",)


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    list_display = ("title", "client", "artisan", "status", "budget")
    list_filter = ("status", "category")
    search_fields = ("title",)


@admin.register(Payment)
class PaymentAdmin(Shown):
    list_display = ("job", "artisan", "amount", "escrow_status")


@admin.register(Dispute)
class DisputeAdmin(Shown):
    list_display = ("job", "opened_by", "outcome")
