"""Any order of claims, heartbeats, ends, cancels, lost leases and reconciling keeps the promises of a job."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from medes_site.kit.jobs import reconcile
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.processes import ProcessIdentity
from medes_site.kit.jobs.states import Claim, claim, finish, heartbeat, put_back, request_cancel
from tests.kit import handlers  # noqa: F401  (registers the kinds)

MAX_ATTEMPTS = 3
OVER = {Job.State.SUCCEEDED, Job.State.FAILED, Job.State.CANCELLED}
picks = st.integers(0, 5)


class JobMachine(RuleBasedStateMachine):
    """One job, any number of workers that never learn that they are dead."""

    def __init__(self) -> None:
        super().__init__()
        self.job = Job.objects.create(
            kind="test.script",
            subject_type="machine",
            subject_id=1,
            queue="evaluate",
            max_attempts=MAX_ATTEMPTS,
        )
        self.claims: list[Claim] = []
        self.holder: Claim | None = None
        self.lease_is_over = False
        self.end: str | None = None

    def teardown(self) -> None:
        self.job.delete()

    def pick(self, number: int) -> Claim:
        return self.claims[number % len(self.claims)]

    @rule(worker=st.integers(1, 4))
    def claim(self, worker: int) -> None:
        taken = claim(self.job.pk, ProcessIdentity("somewhere/1", worker, 0.0))
        if self.holder is not None and not self.lease_is_over:
            assert taken is None
        if taken is not None:
            assert all(taken.fence > old.fence for old in self.claims)
            self.claims.append(taken)
            self.holder, self.lease_is_over = taken, False

    @precondition(lambda self: self.claims)
    @rule(number=picks)
    def heartbeat(self, number: int) -> None:
        one = self.pick(number)
        assert heartbeat(one, progress_done=one.fence) == (one is self.holder)
        if one is self.holder:
            self.lease_is_over = False

    @precondition(lambda self: self.claims)
    @rule(number=picks, state=st.sampled_from(sorted(OVER)))
    def finish(self, number: int, state: str) -> None:
        one = self.pick(number)
        assert finish(one, Job.State(state)) == (one is self.holder)
        if one is self.holder:
            self.holder, self.end = None, state

    @precondition(lambda self: self.claims)
    @rule(number=picks, count_attempt=st.booleans())
    def put_back(self, number: int, count_attempt: bool) -> None:
        one = self.pick(number)
        assert put_back(one, count_attempt=count_attempt) == (one is self.holder)
        if one is self.holder:
            self.holder = None

    @precondition(lambda self: self.holder)
    @rule()
    def lose_the_lease(self) -> None:
        Job.objects.filter(pk=self.job.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
        self.lease_is_over = True

    @rule()
    def cancel(self) -> None:
        active = self.job_now().state not in OVER
        assert request_cancel(self.job.pk) == active

    @rule()
    def reconcile(self) -> None:
        with patch.object(reconcile, "send", return_value=True):
            report = reconcile.reconcile()
        taken = report.requeued + report.failed + report.cancelled
        assert taken == ((self.job.pk,) if self.holder is not None and self.lease_is_over else ())
        if taken:
            self.holder = None

    def job_now(self) -> Job:
        return Job.objects.get(pk=self.job.pk)

    @invariant()
    def promises(self) -> None:
        job = self.job_now()
        assert (job.state == Job.State.RUNNING) == (self.holder is not None)
        assert 0 <= job.attempt <= MAX_ATTEMPTS
        if self.holder is not None:
            assert job.fence == self.holder.fence
            assert job.lease_until is not None
        else:
            assert job.lease_until is None
        assert (job.finished_at is not None) == (job.state in OVER)
        if job.cancel_requested_at is not None:
            assert job.state != Job.State.QUEUED
        if self.end is not None:
            assert job.state == self.end


@pytest.mark.django_db
def test_job_machine() -> None:
    run_state_machine_as_test(JobMachine, settings=settings(max_examples=60, stateful_step_count=30))
