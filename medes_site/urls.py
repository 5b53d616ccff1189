"""Every address of the site: accounts, admin, health, the API's description, and those the apps bring."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from medes_site.accounts import views as accounts
from medes_site.views import errors, health
from medes_site.views.home import home

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found

urlpatterns = [
    path("", home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("accounts/profile/", accounts.profile, name="profile"),
    path("accounts/profile/tokens/", accounts.create_token, name="create_token"),
    path("accounts/profile/tokens/revoke/", accounts.revoke_token, name="revoke_token"),
    path("accounts/invitations/", accounts.invitations, name="invitations"),
    path("accounts/invitations/<int:pk>/revoke/", accounts.revoke_invitation, name="revoke_invitation"),
    path("accounts/invitations/<str:token>/", accounts.accept_invitation, name="accept_invitation"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api_docs"),
    path("", include("benchmark.urls")),
    path("", include("annotation.urls")),
    path("", include("training.urls")),
]
