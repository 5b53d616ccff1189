"""Labelling under load: experts over HTTP against gunicorn and PostgreSQL, beside a bare view of the same run."""
