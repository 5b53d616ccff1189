"""What ties the apps together: settings, addresses, accounts, and the kit that every app may import."""

from medes_site.celery import app as celery_app

__all__ = ["celery_app"]
