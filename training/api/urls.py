from __future__ import annotations

from rest_framework.routers import SimpleRouter

from training.api import models, tuning, views

router = SimpleRouter()
router.register("runs", views.RunViewSet, basename="api-run")
router.register("guardians", views.GuardianViewSet, basename="api-guardian")
router.register("datasets", tuning.DatasetViewSet, basename="api-dataset")
router.register("dataset-drawings", tuning.DrawingViewSet, basename="api-drawing")
router.register("tuning-runs", tuning.TuningRunViewSet, basename="api-tuning")
router.register("models", models.ModelViewSet, basename="api-model")

urlpatterns = router.urls
