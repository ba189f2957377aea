from pathlib import Path

import pytest

from corral.errors import ConfigError
from corral.settings import Address, Found, explain_settings, read_settings

FULL = """\
# how this machine serves
host = "0.0.0.0:8080"
models = "/srv/models"
keep_alive = "10m"
load_timeout = 0
num_parallel = 4
origins = ["http://a", "http://b"]
flash_attention = true
noprune = true
debug = 2
"""


def write(folder: Path, text: str | bytes) -> dict[str, str]:
    """An environment whose home folder holds `text` as the file."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "config.toml").write_bytes(data)
    return {"HOME": "/h", "CORRAL_HOME": str(folder)}


def test_the_file_gives_every_kind_of_setting(tmp_path):
    settings = read_settings(write(tmp_path, FULL))
    assert settings.address == Address(host="0.0.0.0", port=8080)
    assert settings.models == Path("/srv/models")
    assert (settings.keep_alive_s, settings.load_timeout_s) == (600, float("inf"))
    assert settings.num_parallel == 4
    assert settings.origins == ("http://a", "http://b")
    assert (settings.flash_attention, settings.no_prune, settings.debug) == (True, True, 2)


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path):
    env = write(tmp_path, FULL) | {"OLLAMA_KEEP_ALIVE": "1m"}
    path, found = explain_settings(env)
    assert path == tmp_path / "config.toml"
    assert Found("keep_alive", 60.0, "OLLAMA_KEEP_ALIVE") in found
    assert Found("num_parallel", 4, "config.toml, line 6") in found
    assert Found("max_queue", 512, "default") in found


def test_every_field_is_explained_once(tmp_path):
    names = [found.name for found in explain_settings({"HOME": "/h"})[1]]
    assert len(names) == len(set(names))
    assert {"home", "host", "models", "api_key", "llama_server"} <= set(names)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("hots = 'a'", 1, 'unknown key "hots"'),
        ("\nnum_parallel = 'many'", 2, '"num_parallel" must be a whole number from 0'),
        ("num_parallel = -1", 1, '"num_parallel" must be a whole number from 0'),
        ("num_parallel = true", 1, '"num_parallel" must be a whole number from 0'),
        ("# why\nkeep_alive = 'soon'", 2, '"keep_alive" must be a duration such as "5m", or seconds'),
        ("host = 'a:99999'", 1, '"host" must be an address in quotes'),
        ("sched_spread = 'yes'", 1, '"sched_spread" must be true or false'),
        ("origins = [1, 2]", 1, '"origins" must be a list of texts'),
        ("home = '/elsewhere'", 1, 'unknown key "home"'),
        ("debug = 1\n[nothing]\na = 1", 2, 'unknown key "nothing"'),
        ("debug = 1\nhost = 0.0.0.0", 2, '"host": expected newline or end of document after a statement'),
        ("debug = 1\ndebug = 2", 2, '"debug": cannot overwrite a value'),
        ("models = [", 1, '"models": invalid value'),
        (b"debug = 1\nmodels = '\xff'", 2, "is not UTF-8 text"),
    ],
)
def test_a_bad_file_is_one_error_with_its_line_and_key(tmp_path, text, line, problem):
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, text))
    assert caught.value.message == f"{tmp_path}/config.toml, line {line}: {problem}"


@pytest.mark.parametrize(
    ("key", "hint"), [("hots", 'did you mean "host"?'), ("zzz", "known keys: api_key, ")]
)
def test_an_unknown_key_says_what_could_be_meant(tmp_path, key, hint):
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, f"{key} = 1"))
    assert (caught.value.hint or "").startswith(hint)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError) as caught:
        read_settings({"HOME": "/h", "CORRAL_HOME": str(tmp_path)})
    assert caught.value.message == f"{tmp_path}/config.toml: cannot be read: is a directory"


def test_the_page_explains_every_setting():
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    names = [found.name for found in explain_settings({"HOME": "/h"})[1]]
    assert [name for name in names if f"| `CORRAL_{name.upper()}` |" not in page] == []
