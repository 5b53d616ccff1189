"""What a researcher does to a campaign: one POST address, one small function an act. Success redirects back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from annotation.campaign_forms import GuidelineForm, MemberForm, SettingsForm
from annotation.errors import BenchmarkError, WrongState
from annotation.models import Campaign, Flag, Membership
from annotation.queries.sources import task_source
from annotation.services.campaigns import (
    add_guideline,
    close_campaign,
    draw_campaign,
    open_campaign,
    pause_campaign,
    update_campaign,
)
from annotation.services.members import add_member, remove_member
from annotation.services.setting_aside import resolve_flag
from annotation.tasks import DRAW, OPEN, launch_drawing, launch_opening
from annotation.views.campaigns import campaign_page, latest_job, managed_campaign
from medes_site.kit.jobs.core import request_cancel

DIRECTLY = 2000  # so many tasks are drawn while the page is waited for; more are a job


class FormRefused(Exception):
    """The page is shown again with this form, under its name in the page's context."""

    def __init__(self, name: str, form: forms.BaseForm) -> None:
        super().__init__(name)
        self.name, self.form = name, form


def is_many(campaign: Campaign) -> bool:
    """Whether more tasks than DIRECTLY would be drawn, or are; looks at no more rows than that."""
    if campaign.tasks.real().exists():
        return campaign.tasks.real()[: DIRECTLY + 1].count() > DIRECTLY
    statement, parameters = task_source(campaign)
    limited = f"SELECT COUNT(*) FROM (SELECT 1 FROM ({statement}) src LIMIT {DIRECTLY + 1}) few"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(limited, parameters)
        return int(cursor.fetchone()[0]) > DIRECTLY


def _open(request: HttpRequest, campaign: Campaign) -> str:
    if campaign.state == Campaign.State.DRAFT and is_many(campaign):
        launch_opening(campaign, actor=request.user)
        return _("The campaign is being opened.")
    open_campaign(actor=request.user, campaign=campaign)
    return _("The campaign is open.")


def _draw(request: HttpRequest, campaign: Campaign) -> str:
    if campaign.state == Campaign.State.DRAFT and is_many(campaign):
        launch_drawing(campaign, actor=request.user)
        return _("The tasks are being drawn.")
    number = draw_campaign(actor=request.user, campaign=campaign)
    return ngettext("%(n)s task was drawn.", "%(n)s tasks were drawn.", number) % {"n": number}


def _stop(request: HttpRequest, campaign: Campaign) -> str:
    job = latest_job(campaign, OPEN, DRAW)
    if job is None or not request_cancel(job.pk):
        raise WrongState(_("The campaign is not being opened now."))
    return _("The opening stops.")


def _pause(request: HttpRequest, campaign: Campaign) -> str:
    pause_campaign(actor=request.user, campaign=campaign)
    return _("The campaign pauses. What experts have in hand is still taken.")


def _close(request: HttpRequest, campaign: Campaign) -> str:
    close_campaign(actor=request.user, campaign=campaign)
    return _("The campaign is closed.")


def _settings(request: HttpRequest, campaign: Campaign) -> str:
    form = SettingsForm(request.POST, instance=Campaign.objects.get(pk=campaign.pk))
    if not form.is_valid():
        raise FormRefused("settings_form", form)
    update_campaign(actor=request.user, campaign=campaign, **form.cleaned_data)
    return _("The settings are changed.")


def _guidelines(request: HttpRequest, campaign: Campaign) -> str:
    form = GuidelineForm(request.POST)
    if not form.is_valid():
        raise FormRefused("guideline_form", form)
    made = add_guideline(actor=request.user, campaign=campaign, **form.cleaned_data)
    return _("Version %(number)s of the guidelines holds from now on.") % {"number": made.number}


def _add(request: HttpRequest, campaign: Campaign) -> str:
    form = MemberForm(request.POST, campaign=campaign)
    if not form.is_valid():
        raise FormRefused("member_form", form)
    qualified = bool(form.cleaned_data.get("qualified"))
    expert = form.cleaned_data["expert"]
    add_member(actor=request.user, campaign=campaign, expert=expert, qualified=qualified)
    return _("The expert takes part now.")


def _admit(request: HttpRequest, campaign: Campaign) -> str:
    member = _member(request, campaign)
    add_member(actor=request.user, campaign=campaign, expert=member.expert, qualified=True)
    return _("The expert takes part now.")


def _remove(request: HttpRequest, campaign: Campaign) -> str:
    remove_member(actor=request.user, membership=_member(request, campaign))
    return _("The expert gets no more tasks. What they labelled stays.")


def _flag(request: HttpRequest, campaign: Campaign) -> str:
    number = request.POST.get("flag", "")
    known = number.isdecimal() and len(number) < 16
    flag = Flag.objects.filter(task__campaign=campaign, pk=int(number)).first() if known else None
    if flag is None:
        raise Http404
    resolve_flag(actor=request.user, flag=flag)
    return _("The flag is settled.")


def _member(request: HttpRequest, campaign: Campaign) -> Membership:
    pseudonym = request.POST.get("member", "").replace("\0", "")
    member = campaign.memberships.select_related("expert").filter(pseudonym=pseudonym).first()
    if member is None:
        raise Http404
    return member


ACTS: Mapping[str, Callable[[HttpRequest, Campaign], str]] = {
    "open": _open,
    "draw": _draw,
    "stop": _stop,
    "pause": _pause,
    "close": _close,
    "settings": _settings,
    "guidelines": _guidelines,
    "add": _add,
    "admit": _admit,
    "remove": _remove,
    "flag": _flag,
}


@require_POST
def campaign_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Refused by a form: the page with 422; by a rule: the page with the reason and the error's status."""
    user: Any = request.user
    if not user.is_authenticated:
        return redirect_to_login(reverse("annotation:campaign", args=[pk]))
    campaign = managed_campaign(request, pk)
    if act not in ACTS:
        raise Http404
    try:
        done = ACTS[act](request, campaign)
    except FormRefused as refusal:
        return campaign_page(request, campaign, status=422, **{refusal.name: refusal.form})
    except BenchmarkError as error:
        return campaign_page(
            request, managed_campaign(request, pk), status=error.status, act_error=str(error)
        )
    messages.success(request, done)
    return redirect("annotation:campaign", pk=pk)
