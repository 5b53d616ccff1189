"""How forms look everywhere: one renderer, one field template, one file field that knows the upload limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django.forms.renderers
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.renderers import DjangoTemplates
from django.template.defaultfilters import filesizeformat
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from medes_site.kit.uploads import is_too_large, upload_limit


class Renderer(DjangoTemplates):
    """Draws `{{ form }}` and `{{ form.x.as_field_group }}` from `templates/partials`; Django's widgets."""

    form_template_name = "partials/form.html"
    field_template_name = "partials/field.html"

    @cached_property
    def engine(self) -> Any:
        own: Any = settings.TEMPLATES[0]["DIRS"]
        built_in = Path(django.forms.renderers.__file__).resolve().parent / "templates"
        return self.backend(
            {"APP_DIRS": True, "DIRS": [*own, built_in], "NAME": "medes_forms", "OPTIONS": {}}
        )


class UploadField(forms.FileField):
    """A file field that says so plainly when the file is over MEDES_UPLOAD_BYTES (see kit/uploads.py)."""

    default_error_messages = {
        "too_large": _("The file is larger than %(limit)s. Nothing of it was kept."),
    }

    def to_python(self, data: Any) -> Any:
        if is_too_large(data):
            raise ValidationError(
                self.error_messages["too_large"],
                code="too_large",
                params={"limit": filesizeformat(upload_limit())},
            )
        return super().to_python(data)
