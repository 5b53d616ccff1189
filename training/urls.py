from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from training.views import datasets, guardian_acts, guardians, models, run_compare, run_new, runs, tuning

app_name = "training"
urlpatterns: list[URLPattern | URLResolver] = [
    path("training/guardians/", guardians.guardians, name="guardians"),
    path("training/guardians/train/", guardian_acts.train, name="guardian_train"),
    path("training/guardians/<int:pk>/", guardians.guardian, name="guardian"),
    path("training/guardians/<int:pk>/report.json", guardians.report_json, name="guardian_report"),
    path("training/guardians/<int:pk>/shadow/", guardian_acts.shadow, name="guardian_shadow"),
    path("training/guardians/<int:pk>/promote/", guardian_acts.promote, name="guardian_promote"),
    path("training/guardians/<int:pk>/retire/", guardian_acts.retire, name="guardian_retire"),
    path("training/guardians/<int:pk>/suggest/", guardian_acts.suggest, name="guardian_suggest"),
    path("training/runs/", runs.runs, name="runs"),
    path("training/runs/new/", run_new.run_new, name="run_new"),
    path("training/runs/compare/", run_compare.compare, name="run_compare"),
    path("training/answers/<int:pk>/again/", tuning.answer_again, name="answer_again"),
    path("training/runs/<int:pk>/promote/", tuning.promote, name="run_promote"),
    path("training/runs/<int:pk>/", runs.run, name="run"),
    path("training/runs/<int:pk>/cancel/", runs.cancel, name="run_cancel"),
    path("training/runs/<int:pk>/resume/", runs.resume, name="run_resume"),
    path("api/v1/", include("training.api.urls")),
    path("training/models/", models.models, name="models"),
    path("training/datasets/", datasets.datasets, name="datasets"),
    path("training/datasets/drawings/<int:pk>/", datasets.drawing, name="drawing"),
    path("training/datasets/drawings/<int:pk>/act/", datasets.drawing_act, name="drawing_act"),
    path("training/datasets/<int:pk>/rows/", datasets.rows, name="dataset_rows"),
    path("training/datasets/<int:pk>/files/<str:name>", datasets.dataset_file, name="dataset_file"),
    path("training/datasets/<int:pk>/", datasets.dataset, name="dataset"),
]
