from __future__ import annotations

from rest_framework.routers import SimpleRouter

from training.api import views

router = SimpleRouter()
router.register("runs", views.RunViewSet, basename="api-run")
router.register("guardians", views.GuardianViewSet, basename="api-guardian")

urlpatterns = router.urls
