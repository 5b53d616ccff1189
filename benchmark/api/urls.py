from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from benchmark.api import views

router = SimpleRouter()
router.register("benchmarks", views.BenchmarkViewSet, basename="api-benchmark")
router.register(r"benchmarks/(?P<benchmark>[\w-]+)/items", views.ItemViewSet, basename="api-item")
router.register("norms", views.NormViewSet, basename="api-norm")
router.register("entries", views.EntryViewSet, basename="api-entry")
router.register("submissions", views.SubmissionViewSet, basename="api-submission")
router.register("boards", views.BoardViewSet, basename="api-board")

urlpatterns = [
    path("boards/<slug:benchmark>/<slug:slug>/", views.BoardView.as_view(), name="api-board"),
    path("", include(router.urls)),
]
