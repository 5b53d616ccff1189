"""The Celery application: `celery -A medes_site worker -Q default,evaluate`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medes_site.settings")
app = Celery("medes")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
