from __future__ import annotations

from django.urls import include, path, re_path

from benchmark.views import (
    board_renewal,
    boards,
    compare,
    entries,
    items,
    norm_decisions,
    norm_law,
    norms,
    submission_acts,
    submissions,
)

app_name = "benchmark"
urlpatterns = [
    path("norms/", norms.norms, name="norms"),
    path("norms/<int:pk>/", norms.norm, name="norm"),
    path("norms/<int:pk>/renew/", norm_decisions.renew, name="norm_renew"),
    path("norms/coverage/", norm_law.coverage, name="coverage"),
    path("norms/outdated/", norm_law.outdated, name="outdated"),
    path("norms/sources/", norm_law.sources, name="sources"),
    path("norms/successions/<int:pk>/", norm_decisions.decide_on_succession, name="succession"),
    path("norms/traces/", norm_decisions.traces, name="traces"),
    path("norms/traces/<int:pk>/", norm_decisions.decide, name="trace"),
    path("items/", items.items, name="items"),
    re_path(
        r"^items/(?P<benchmark>[-\w]+)/questions\.(?P<ending>csv|jsonl)\Z",
        items.questions,
        name="questions_export",
    ),
    path("items/<slug:benchmark>/<slug:code>/", items.item, name="item"),
    path("api/v1/", include("benchmark.api.urls")),
    path("leaderboard/", boards.leaderboards, name="leaderboards"),
    path("leaderboard/<slug:benchmark>/<slug:slug>/", boards.board, name="board"),
    re_path(
        r"^leaderboard/(?P<benchmark>[-\w]+)/(?P<slug>[-\w]+)/export\.(?P<extension>csv|json)$",
        boards.board_export,
        name="board_export",
    ),
    path(
        "leaderboard/<slug:benchmark>/<slug:slug>/outdated/",
        board_renewal.board_without,
        name="board_without",
    ),
    path("entries/", entries.entries, name="entries"),
    path("entries/<slug:slug>/", entries.entry, name="entry"),
    path("entries/<slug:slug>/edit/", entries.entry_edit, name="entry_edit"),
    path("compare/", compare.compare, name="compare"),
    path("submissions/", submissions.submissions, name="submissions"),
    path("submissions/new/", submissions.submit, name="submit"),
    path("submissions/<int:pk>/", submissions.submission, name="submission"),
    path("submissions/<int:pk>/review/", submission_acts.ask_review, name="submission_review"),
    path("submissions/<int:pk>/publish/", submission_acts.publish, name="submission_publish"),
    path("submissions/<int:pk>/return/", submission_acts.send_back, name="submission_return"),
    path("submissions/<int:pk>/withdraw/", submission_acts.withdraw, name="submission_withdraw"),
    path("submissions/<int:pk>/designate/", submission_acts.designate, name="submission_designate"),
    path("submissions/<int:pk>/evaluate/", submission_acts.evaluate, name="submission_evaluate"),
    path("submissions/<int:pk>/cancel/", submission_acts.cancel, name="submission_cancel"),
]
