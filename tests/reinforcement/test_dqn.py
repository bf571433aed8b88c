"""A DQN learns a corridor whose best policy is known, sharpens on the way, and acts by its spikes."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from backends import BACKEND, array
from worlds import Corridor

import whetstone_lab as wl
from whetstone_lab.reinforcement.dqn import DQN, train_dqn
from whetstone_lab.training.layers import recorded_inputs

pytestmark = pytest.mark.every_backend

#: Some 400 updates of a few units: seconds.
SMALL = {"discount": 0.9, "batch_size": 16, "warmup": 50, "every": 10, "updates": 8, "target_every": 20, "epochs": 5,
         "epsilon": 0.2, "reward_scale": 1.0, "verbose": 0}
INNER = np.eye(5, dtype=np.float32)[1:4]


def q_net(hidden=(16,), cells=5, actions=2, **kwargs):
    keras.utils.set_random_seed(1)
    return wl.models.q_network((cells,), actions, hidden=hidden, **kwargs)


def eagerly(agent):
    """An agent of a few updates, for which graphs are not worth making."""
    if BACKEND != "jax":
        agent._learner.run_eagerly = True
        agent.model.run_eagerly = True
    return agent


@pytest.fixture(scope="module")
def agent():
    return train_dqn(Corridor(), q_net(), steps=550, optimizer=keras.optimizers.Adam(0.02), **SMALL)


def test_the_spiking_policy_is_the_best_one(agent):
    assert (agent.trace.sharpness[-1] == 1).all()
    episodes = agent.play(Corridor(), episodes=20)
    assert {episode.total for episode in episodes} == {1.0}
    assert all((episode.actions == 1).all() for episode in episodes)


def test_it_knows_what_each_cell_is_worth(agent):
    values = array(agent.model(INNER))
    np.testing.assert_allclose(values[:, 1], [0.81, 0.9, 1.0], atol=0.1)


def test_the_network_does_what_keras_does_neuron_for_neuron(agent):
    cells = np.eye(5, dtype=np.float32)
    record = wl.run(agent.network, cells)
    layers = wl.spiking_layers(agent.model)
    with recorded_inputs(layers) as seen:
        values = array(agent.model(cells))
    spikes = np.zeros((5, 16), bool)
    spikes[record.sample, record.neuron] = True
    np.testing.assert_array_equal(spikes, array(seen[0][0]) >= layers[0].threshold)
    np.testing.assert_allclose(record.votes, values, rtol=1e-5, atol=1e-6)
    assert record.classes.tolist() == values.argmax(-1).tolist()
    assert wl.convert(agent.model).readout == "linear"  # also of one who does not ask the agent


def test_the_trace_tells_how_it_learnt_and_sharpened_by_steps(agent):
    trace = agent.trace
    assert (trace.status, trace.batches, trace.epochs) == ("finished", 408, 5)
    assert len(np.unique(trace.sharpness[:, 0])) > 50
    returns = trace.epoch_metric("episode_return")
    assert returns[-1] == pytest.approx(np.mean(agent.returns[-20:]), abs=0.15)
    assert returns[-1] > returns[0]
    assert agent.done == 550


def test_the_best_of_the_networks_that_were_judged_is_given():
    agent = eagerly(DQN(Corridor(), q_net((4,)), steps=80, **{**SMALL, "updates": 3}))
    scores, kept = iter([0.3, 0.9, 0.5, 0.9, 0.1]), []

    def judge():
        score = next(scores)
        agent.world.env.step = lambda action: (np.zeros(5), score, True, False, {})
        DQN._judge(agent)
        vars(agent.world.env).pop("step")
        kept.append(agent._best[0])

    agent._judge = judge
    agent.train()
    given = [score for _, score in agent.judged]
    assert given == pytest.approx([0.3, 0.9, 0.5, 0.9][:len(given)])
    assert len(given) >= 3
    np.testing.assert_array_equal(agent.model.get_weights()[0], kept[-1])
    assert np.array_equal(kept[1], kept[2])
    assert not np.array_equal(kept[0], kept[1])


def run_of(seed, **kwargs):
    agent = eagerly(DQN(Corridor(), q_net((4,)), steps=80, seed=seed, **{**SMALL, "updates": 3, **kwargs}))
    agent.train()
    return agent


def test_a_seed_says_all():
    one, other, third = run_of(3), run_of(3), run_of(4)
    np.testing.assert_array_equal(one.trace.loss, other.trace.loss)
    for mine, its in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert one.returns == other.returns
    assert not np.array_equal(one.trace.loss, third.trace.loss)


def test_a_network_that_is_made_for_it_has_weights_of_that_seed():
    one, other = (DQN(Corridor(), steps=80, seed=5, **SMALL).model.get_weights() for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    pixels = Corridor()
    pixels.observation_space.shape, pixels.observation_space.dtype = (10, 10, 4), bool
    model = DQN(pixels, steps=80, **SMALL).model
    assert [type(layer).__name__ for layer in model.layers[:2]] == ["Conv2D", "SpikingBReLU"]
    pixels.observation_space.shape = (2, 10, 4)  # smaller than a filter
    model = DQN(pixels, steps=80, **SMALL).model
    assert [type(layer).__name__ for layer in model.layers[:2]] == ["Flatten", "Rescaling"]


def test_an_interrupt_leaves_what_was_learnt_and_one_can_go_on():
    env, pressed = Corridor(), []
    healthy = env.step

    def step(action):
        if agent.done == 64 and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        return healthy(action)

    env.step = step
    agent = eagerly(DQN(env, q_net((4,)), steps=80, **{**SMALL, "updates": 3}))
    first = agent.model.get_weights()[0]
    trace = agent.trace
    with pytest.raises(KeyboardInterrupt):
        agent.train()
    assert (trace.status, agent.done, trace.batches) == ("stopped", 64, 6)
    held = [float(array(layer.sharpness)) for layer in wl.spiking_layers(agent.model)]
    np.testing.assert_allclose(held, trace.sharpness[-1], atol=1e-6)
    assert not np.array_equal(agent.model.get_weights()[0], first)
    assert agent.train() is trace
    assert (trace.status, agent.done, trace.batches) == ("finished", 80, 12)
    assert (trace.sharpness[-1] == 1).all()
    weights = agent.model.get_weights()
    agent.train()  # all is done
    assert (trace.batches, agent.done) == (12, 80)
    np.testing.assert_array_equal(agent.model.get_weights()[0], weights[0])


def test_an_environment_that_gives_nan_ends_the_training_and_the_trace_says_so():
    env = Corridor()
    healthy = env.step
    env.step = lambda action: (np.full(5, np.nan), *healthy(action)[1:]) if agent.done == 64 else healthy(action)
    agent = eagerly(DQN(env, q_net((4,)), steps=80, **{**SMALL, "updates": 3}))
    with pytest.raises(ValueError, match=r"after action \d, 5 of 5 values are NaN"):
        agent.train()
    assert agent.trace.status == "failed"
    assert "5 of 5 values are NaN" in agent.trace.message
    assert np.isfinite(agent.model.get_weights()[0]).all()
    assert np.isfinite(agent.memory.sample(200).following).all()


class Wall(Corridor):
    """A corridor in which episodes of four steps are cut off before anything is earned, and others fall into a pit."""

    def step(self, action):
        seen, _, _, _, info = super().step(action)
        over = self.cell in (0, self.cells - 1)
        return seen, 0.0, over, self.steps >= 4 and not over, info


def test_only_an_end_of_its_own_ends_what_can_be_earned_and_no_transition_goes_past_a_reset():
    agent = eagerly(DQN(Wall(), q_net((4,)), steps=60, ahead=3, **{**SMALL, "updates": 1}))
    agent.train()
    seen = agent.memory.sample(2000)
    end = seen.following.argmax(-1) % 4 == 0
    np.testing.assert_array_equal(seen.discounts == 0, end)
    assert end.any()
    cut_off = seen.discounts == np.float32(0.9)  # one step before it
    assert cut_off.any()
    moved = abs(seen.following.argmax(-1) - seen.observations.argmax(-1))
    assert (moved[cut_off] == 1).all()
    assert moved.max() <= 3


def test_a_world_without_an_end_is_judged_by_episodes_that_are_cut_off():
    env, taken = Corridor(limit=10**9), []
    env.step = lambda action: (taken.append(action), (env.seen(), 1.0, False, False, {}))[1]
    agent = eagerly(DQN(env, q_net((4,)), steps=80, judged_by=2, **{**SMALL, "updates": 1}))
    agent.train()
    assert {score for _, score in agent.judged} == {16.0}  # 80 steps in 5 epochs
    assert len(taken) == 80 + 2 * 16 * len(agent.judged)
    assert agent.returns == []


def test_a_sharpener_of_ones_own_decides_when():
    sharpener = wl.StepwiseSharpener(0, 2, by="batch", monitor="episode_return", mode="max")
    agent = eagerly(DQN(Corridor(), q_net((4,)), steps=80, sharpener=sharpener, **{**SMALL, "updates": 3}))
    agent.train()
    assert agent.trace is sharpener.trace
    np.testing.assert_allclose(agent.trace.sharpness[:3, 0], [0.5, 1, 1])


def test_a_network_that_is_not_sharp_in_the_end_is_warned_of_and_does_not_act_by_spikes():
    agent = eagerly(DQN(Corridor(), q_net((4,)), steps=80, sharpener=wl.StepwiseSharpener(start_epoch=50),
                        **{**SMALL, "updates": 3}))
    with pytest.warns(UserWarning, match="not fully sharp after 80 steps"):
        agent.train()
    with pytest.raises(ValueError, match="Expected every spiking layer at sharpness 1"):
        agent.play(Corridor())


def test_a_relu_net_is_trained_as_a_baseline_where_that_is_asked_for():
    with pytest.raises(ValueError, match="relu_q_network"):
        DQN(Corridor(), q_net((4,), spiking=False), steps=80, **SMALL)
    agent = eagerly(DQN(Corridor(), q_net((4,), spiking=False), steps=80, check=False, **SMALL))
    assert agent.train() is None
    assert len(agent.play(Corridor(), episodes=2)) == 2


def with_end(*layers):
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), wl.SpikingBReLU(), *layers])


TWO_INPUTS = [keras.Input((5,)), keras.Input((5,))]


@pytest.mark.parametrize(("make", "words"), [
    (lambda: q_net(cells=4), r"one input of shape \(5,\).*got inputs of shapes \[\(4,\)\].*keras.Input\(\(5,\)\)"),
    (lambda: keras.Model(TWO_INPUTS, keras.layers.Dense(2)(wl.SpikingBReLU()(keras.layers.Dense(4)(
        keras.layers.Concatenate()(TWO_INPUTS))))), r"one input of shape \(5,\)"),
    (lambda: q_net(actions=3), r"each of the 2 actions.*got an output read as 'linear' of shape \(3,\).*Dense\(2\)"),
    (lambda: with_end(keras.layers.Dense(2, "softmax")), "got an output read as 'softmax'.*without an activation"),
    (lambda: with_end(keras.layers.Dense(2), wl.SpikingBReLU()), "got an output read as 'spikes'"),
    (lambda: with_end(keras.layers.Dense(2), wl.SoftmaxDecode(wl.make_key(2, 2))), "got an output read as 'key'"),
    (lambda: keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "relu"), wl.SpikingBReLU(),
                               keras.layers.Dense(2)]), "relu"),
])
def test_a_model_that_does_not_fit_the_environment_is_refused_before_training(make, words):
    env = Corridor()
    with pytest.raises(ValueError, match=words):
        DQN(env, make(), steps=80, **SMALL)
    assert env.resets == 0


@pytest.mark.parametrize(("changes", "error", "words"), [
    ({"action_space": SimpleNamespace(shape=(1,), dtype=np.dtype("float32"))}, ValueError, "actions are continuous"),
    ({"observation_space": SimpleNamespace(spaces={}, shape=None, dtype=None)}, ValueError, "FlattenObservation"),
    ({"num_envs": 3}, ValueError, "a vector of 3"),
    ({"step": None, "reset": lambda: 0}, TypeError, "to take a seed"),
])
def test_a_world_in_which_it_cannot_act_is_refused_before_it_is_entered(changes, error, words):
    env = Corridor()
    vars(env).update(changes)
    with pytest.raises(error, match=words):
        train_dqn(env, steps=80, **SMALL)
    assert env.resets == 0


def test_numbers_that_leave_nothing_to_learn_are_refused():
    with pytest.raises(ValueError, match="more steps than the warm-up's 50; got 49"):
        DQN(Corridor(), q_net(), steps=49, **SMALL)
    with pytest.raises(ValueError, match="Expected steps to be an integer"):
        DQN(Corridor(), q_net(), steps=0, **SMALL)
    with pytest.raises(ValueError, match=r"Expected an optimizer among .*'adam'.*; got 'adm'"):
        DQN(Corridor(), q_net(), steps=80, optimizer="adm", **SMALL)


def test_an_interrupt_after_the_last_step_leaves_only_the_end_to_do(monkeypatch):
    agent = eagerly(DQN(Corridor(), q_net((4,)), steps=80, **{**SMALL, "updates": 3}))

    def judge():
        if agent.done == 80:
            raise KeyboardInterrupt

    monkeypatch.setattr(agent, "_judge", judge)
    with pytest.raises(KeyboardInterrupt):
        agent.train()
    assert (agent.trace.status, agent.done) == ("stopped", 80)
    agent.train()
    assert (agent.trace.status, agent.trace.batches) == ("finished", 12)


def test_a_model_that_is_not_built_is_built_for_the_observations():
    model = keras.Sequential([keras.layers.Dense(4), wl.SpikingBReLU(), keras.layers.Dense(2)])
    assert DQN(Corridor(), model, steps=80, **SMALL).model.input_shape == (None, 5)
