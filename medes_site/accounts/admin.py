"""Users, roles, invitations and tokens in the admin. Accounts and roles are for superusers alone."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from medes_site.accounts.models import ApiToken, Invitation, User

# One door with one rate limit: the admin's own login form would count no failures.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = _("MedES administration")
admin.site.unregister(Group)


class SuperusersOnly(admin.ModelAdmin):
    """Whoever edits users or groups can make themselves anything, so `is_staff` is not enough."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


class ReadOnly(SuperusersOnly):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class MedesUserAdmin(SuperusersOnly, UserAdmin):
    list_display = ["username", "display_name", "organisation", "email", "is_active", "is_staff"]
    list_filter = ["groups", "is_staff", "is_active"]
    search_fields = ["username", "display_name", "organisation", "email"]
    fieldsets = [*(UserAdmin.fieldsets or ()), (_("MedES"), {"fields": ["display_name", "organisation"]})]


@admin.register(Group)
class MedesGroupAdmin(SuperusersOnly, GroupAdmin):
    pass


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    list_display = ["email", "role", "invited_by", "created_at", "expires_at", "accepted_by", "revoked_at"]
    list_filter = ["role"]
    search_fields = ["email"]
    exclude = ["token_hash"]


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """A superuser may revoke (delete) a token; its key and hash are not shown."""

    list_display = ["name", "user", "created", "expiry"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    fields = ["name", "user", "created", "expiry"]
