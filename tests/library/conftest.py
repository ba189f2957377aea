from __future__ import annotations

import pytest

from tests.helpers.shelf import Shelf


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)
