"""What every test stands on: no settings or home folder of the user, the same random choices."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no folder of found ones.
settings.register_profile("corral", derandomize=True, database=None, deadline=None)
settings.load_profile("corral")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory):
    """Settings, proxies and the home folder of the user are out of sight, of child processes too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("CORRAL_", "OLLAMA_")) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        yield Path(home)
