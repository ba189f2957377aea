from __future__ import annotations

import stat

import pytest

from corral.errors import StorageError
from corral.registry import Credentials, Login


def test_a_login_is_kept_for_its_owner_alone(tmp_path):
    Credentials(tmp_path / "home").keep("Lab:5000", Login("me", "secret"))
    path = tmp_path / "home" / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Credentials(tmp_path / "home").read() == {"lab:5000": Login("me", "secret")}
    assert [found.name for found in path.parent.iterdir()] == ["credentials.json"]


def test_a_login_is_forgotten(tmp_path):
    credentials = Credentials(tmp_path)
    credentials.keep("a", Login(token="1"))
    credentials.keep("b", Login(token="2"))
    assert (credentials.forget("A"), credentials.forget("a")) == (True, False)
    assert credentials.read() == {"b": Login(token="2")}


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "credentials.json").write_text("nonsense")
    with pytest.raises(StorageError, match=r"cannot read .*credentials\.json"):
        Credentials(tmp_path).read()
