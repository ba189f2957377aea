from corral.core.options import Options
from corral.engine.requests import Sampling


def test_an_empty_stop_sequence_is_passed_over():
    sampling = Sampling(options=Options(stop=("", "end", "")), num_ctx=100, num_predict=1)
    assert sampling.fields()["stop"] == ["end"]
