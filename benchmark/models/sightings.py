"""Who has read a verdict, or somebody's label, on which answer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from benchmark.models.submissions import Response


class Sighting(models.Model):
    """From `at` on no label of this person on this answer is blind. Never taken back.

    `verdict`: a guardian's verdict was among what they read, after which they do not rule on the answer either;
    False: only what people said, which referees are shown as well.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    response = models.ForeignKey(Response, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())
    verdict = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "response"], name="sighting_once")]

    def __str__(self) -> str:
        return f"{self.user_id} saw {self.response_id}"
