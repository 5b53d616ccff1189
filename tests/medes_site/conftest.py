from __future__ import annotations

import gettext
from collections.abc import Iterator

import pytest
from django.utils.translation import trans_real

from medes_site.messages import compile_catalogues


@pytest.fixture(scope="session", autouse=True)
def _compiled_messages() -> Iterator[None]:
    """Catalogues as they are in the sources now; Django may have loaded older ones already."""
    compile_catalogues()
    gettext._translations.clear()
    trans_real._translations = {}
    trans_real._default = None
    yield
