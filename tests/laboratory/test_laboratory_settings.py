import json

import pytest

from whetstone_lab.laboratory.settings import CHOICES, NETWORKS, SHARPENING, Settings, sharpener_arguments
from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy, StepwisePolicy


def test_settings_go_through_json_and_come_back():
    settings = Settings("mnist", "deep", "sgd", "stepwise", 12, 64, 7, False)
    assert Settings.of(json.loads(json.dumps(settings.asdict()))) == settings
    assert Settings.of({"seed": 3}) == Settings(seed=3)
    assert "MNIST" in settings.words()


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "cats"}, "Expected data among"), ({"network": ""}, "Expected network among"),
    ({"epochs": 0}, "Expected epochs to be an integer from 1"), ({"epochs": 1.5}, "integer"),
    ({"seed": True}, "integer"), ({"batch_size": 5000}, "1024"), ({"baseline": 1}, "True or False"),
    ({"colour": "red"}, "Expected settings among")])
def test_what_cannot_be_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        Settings.of(values)


def test_no_word_means_two_settings():
    words = [word for choices in CHOICES.values() for word in choices]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("sharpening", SHARPENING)
@pytest.mark.parametrize("epochs", [1, 2, 7, 30, 1000])
@pytest.mark.parametrize("layers", [2, 5])
def test_each_sharpener_is_done_in_time(sharpening, epochs, layers):
    name, arguments = sharpener_arguments(Settings(sharpening=sharpening, epochs=epochs), layers)
    kind = {"AdaptiveSharpener": AdaptivePolicy, "ScheduledSharpener": ScheduledPolicy,
            "StepwiseSharpener": StepwisePolicy}[name]
    policy = kind(**arguments)
    state = policy.start([0.0] * layers, 10)
    loss, used = 1.0, 0
    while not state.sharp and used < epochs:
        for _ in range(10):
            state, _ = policy.end_batch(state, loss)
        state, _ = policy.end_epoch(state, loss)
        used += 1
    if epochs >= 30:
        assert state.sharp
        assert used <= 0.8 * epochs


def test_every_network_has_words_and_layers():
    assert all(network.words and network.means and network.hidden for network in NETWORKS.values())
