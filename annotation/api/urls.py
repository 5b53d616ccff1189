from __future__ import annotations

from django.urls import path, re_path

from annotation.api import adjudication, views
from annotation.downloads import ENDINGS

urlpatterns = [
    path("campaigns/", views.CampaignsView.as_view(), name="api-campaign-list"),
    path("campaigns/<slug:slug>/", views.CampaignView.as_view(), name="api-campaign"),
    path("campaigns/<slug:slug>/join/", views.JoinView.as_view(), name="api-campaign-join"),
    path("campaigns/<slug:slug>/claim/", views.ClaimView.as_view(), name="api-claim"),
    path("campaigns/<slug:slug>/prefetch/", views.PrefetchView.as_view(), name="api-prefetch"),
    re_path(
        rf"^campaigns/(?P<slug>[-\w]+)/export\.{ENDINGS}\Z",
        views.ExportView.as_view(),
        name="api-campaign-export",
    ),
    path("slots/<int:pk>/", views.SlotView.as_view(), name="api-slot"),
    path("slots/<int:pk>/renew/", views.RenewView.as_view(), name="api-renew"),
    path("slots/<int:pk>/release/", views.ReleaseView.as_view(), name="api-release"),
    path("slots/<int:pk>/draft/", views.DraftView.as_view(), name="api-draft"),
    path("slots/<int:pk>/submit/", views.SubmitView.as_view(), name="api-submit"),
    path("slots/<int:pk>/skip/", views.SkipView.as_view(), name="api-skip"),
    path("slots/<int:pk>/flag/", views.FlagView.as_view(), name="api-flag"),
    path("labels/", views.LabelsView.as_view(), name="api-label-list"),
    path("labels/<int:pk>/", views.LabelView.as_view(), name="api-label"),
    path("labels/<int:pk>/revise/", views.ReviseView.as_view(), name="api-revise"),
    path("labels/<int:pk>/undo/", views.UndoView.as_view(), name="api-undo"),
    path("labels/<int:pk>/reveal/", views.RevealView.as_view(), name="api-reveal"),
    path("reveals/<int:pk>/", views.RevealAnswerView.as_view(), name="api-reveal-answer"),
    path("adjudication/", adjudication.DisputesView.as_view(), name="api-dispute-list"),
    path("adjudication/<int:pk>/", adjudication.DisputeView.as_view(), name="api-dispute"),
]
