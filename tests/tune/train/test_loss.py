"""What is learned, and from which rows: on a tiny network, without a child process."""

from __future__ import annotations

from array import array

import pytest

from corral.tune.data import TokenSequence

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Gemma2Config(  # bounds its logits, which are then not just a product
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, head_dim=16,
        num_key_value_heads=1, vocab_size=50, attn_implementation="eager", final_logit_softcapping=5.0,
    )  # fmt: skip
    return transformers.Gemma2ForCausalLM(config).eval()


def row(tokens, trained):
    return TokenSequence(array("i", tokens), bytes(trained), 0)


ROWS = [
    row([5, 6, 7, 8, 9], [0, 0, 0, 1, 1]),
    row([10, 11, 12], [0, 1, 1]),
    row([20, 21, 22, 23, 24, 25, 26], [0, 0, 1, 1, 0, 0, 1]),
]


def loss_by_hand(network, rows):
    """Row by row without padding, token by token."""
    import torch

    total, count = 0.0, 0
    with torch.no_grad():
        for each in rows:
            logs = network(torch.tensor([list(each.tokens)])).logits[0].log_softmax(-1)
            for at in range(1, len(each.tokens)):
                if each.trained[at]:
                    total -= float(logs[at - 1, each.tokens[at]])
                    count += 1
    return total / count


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_loss_is_the_mean_over_trained_tokens_whatever_is_computed_at_once(network, size):
    from corral.tune.train.loss import mean_loss

    assert mean_loss(network, ROWS, size) == pytest.approx(loss_by_hand(network, ROWS), rel=1e-5)


def gradients(network, rows, size):
    from corral.tune.train.batches import micro_batches
    from corral.tune.train.loss import summed_loss

    network.zero_grad()
    for batch in micro_batches(rows, size):
        summed_loss(network, batch).backward()
    return network.model.layers[0].mlp.up_proj.weight.grad.clone()


def test_tokens_that_are_not_trained_teach_nothing(network):
    changed = [row([*ROWS[0].tokens[:3], 8, 9], ROWS[0].trained)]
    silent = [row([5, 6, 7, 8, 9, 30, 31], [0, 0, 0, 1, 1, 0, 0])]  # more text behind, none of it trained
    expected = gradients(network, changed, 1)
    assert (gradients(network, silent, 1) - expected).abs().max() < 1e-6
    other = [row([5, 6, 7, 8, 9], [0, 0, 1, 1, 1])]
    assert (gradients(network, other, 1) - expected).abs().max() > 1e-4


def test_gradients_do_not_depend_on_what_is_computed_at_once(network):
    expected = gradients(network, ROWS, 3)
    assert (gradients(network, ROWS, 1) - expected).abs().max() < 1e-5


def test_a_row_of_one_token_teaches_nothing(network):
    from corral.tune.train.loss import mean_loss

    lonely = row([7], [1])
    assert mean_loss(network, [lonely], 1) == 0
    assert mean_loss(network, [*ROWS, lonely], 2) == pytest.approx(mean_loss(network, ROWS, 2), rel=1e-5)


def test_each_epoch_takes_every_row_once_in_an_order_of_its_own():
    from corral.tune.train.batches import rows_of_step

    epochs = [[n for step in range(4) for n in rows_of_step(4 * e + step, 14, 4, seed=1)] for e in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(14))] * 2
    assert epochs[0] != epochs[1]
    assert rows_of_step(5, 14, 4, seed=1) == rows_of_step(5, 14, 4, seed=1)


def test_rows_of_like_length_are_computed_together():
    from corral.tune.train.batches import micro_batches

    assert [batch.tokens.shape for batch in micro_batches(ROWS, 2)] == [(2, 4), (1, 6)]
