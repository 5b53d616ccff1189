"""The settings of the tests: the site's own, in a folder of their own, on the database that is asked for.

MEDES_TEST_DB is `sqlite` (unless given) or `postgres` (at DATABASE_URL, else PostgreSQL on this machine).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid

if "MEDES_TEST_HOME" not in os.environ:
    os.environ["MEDES_TEST_HOME"] = tempfile.mkdtemp(prefix="medes-test-")
    os.environ["MEDES_TEST_PREFIX"] = f"medes-test-{uuid.uuid4().hex[:12]}:"
    atexit.register(shutil.rmtree, os.environ["MEDES_TEST_HOME"], ignore_errors=True)

# Each process of pytest-xdist counts its runs from 1 in a database of its own: their folders must not be the same ones.
_home = os.path.join(os.environ["MEDES_TEST_HOME"], os.environ.get("PYTEST_XDIST_WORKER", ""))
os.makedirs(_home, exist_ok=True)
os.environ["MEDES_HOME"] = _home
os.environ.setdefault("SECRET_KEY", "a key for tests only, never for a site that anybody visits")
for _name in ("MEDES_DEMO", "MEDES_DEBUG", "MEDES_HTTPS", "ALLOWED_HOSTS", "EMAIL_URL"):
    os.environ.pop(_name, None)
_engine = os.environ.get("MEDES_TEST_DB", "sqlite")
if _engine == "postgres":
    os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
elif _engine == "sqlite":
    os.environ.pop("DATABASE_URL", None)
elif _engine != "given":  # a child process of a test gets the address of the test database itself
    raise SystemExit("MEDES_TEST_DB must be sqlite or postgres")

from medes_site.settings import *  # noqa: E402, F403
from medes_site.settings import CELERY_BROKER_TRANSPORT_OPTIONS  # noqa: E402

# A Redis that others use stays as it was: our keys have a name of their own and are deleted at the end.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    **CELERY_BROKER_TRANSPORT_OPTIONS,
    "global_keyprefix": os.environ["MEDES_TEST_PREFIX"],
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the slow one is Django's business
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Clearing the site's own cache would empty a Redis that others use.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
