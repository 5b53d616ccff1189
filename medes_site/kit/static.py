"""Static files: hashed names and long caching once collected; plain names before that."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashed names from the manifest of `collectstatic`; for a file it does not know, the plain name.

    So tests, `manage.py check` and development need no collected files, and a page never fails because one
    picture is missing. WhiteNoise caches for long only names that carry a hash.
    """

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError:  # neither in the manifest nor in STATIC_ROOT
            return name
