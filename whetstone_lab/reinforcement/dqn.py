"""``DQN``: a spiking network that learns by trial what to do, and sharpens while it learns.

:func:`train_dqn` is the one to reach for: an environment in, an agent out, with nothing to tune.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.checking import check as check_model
from whetstone_lab.conversion.convert import convert
from whetstone_lab.environments.interface import Environment
from whetstone_lab.environments.playing import Episode, greedy, play, play_one
from whetstone_lab.recipes import OPTIMIZERS, early
from whetstone_lab.records.trace import Trace
from whetstone_lab.reinforcement.bellman import BellmanError
from whetstone_lab.reinforcement.replay import ReplayBuffer
from whetstone_lab.reinforcement.settings import Settings, check_count
from whetstone_lab.simulator import Network
from whetstone_lab.training.averaging import WhetstoneOptimizer, average_in_place
from whetstone_lab.training.copying import copy_of
from whetstone_lab.training.heads import heads_of
from whetstone_lab.training.interrupts import undisturbed
from whetstone_lab.training.layers import SpikingLayer, all_layers
from whetstone_lab.training.models import q_network
from whetstone_lab.training.sharpener import Sharpener

#: Episodes whose mean return is told.
_LATEST = 20

#: Of Adam at first, unless another optimizer is given; it falls along half a cosine.
LEARNING_RATE = 2e-3


def train_dqn(env: Any, model: keras.Model | None = None, *, steps: int = 50_000, seed: int | None = 0,
              **kwargs: Any) -> DQN:
    """Has a spiking network learn by trial what to do, with nothing to tune.

    This is ``DQN(env, model, ...).train()``. Where the training is to be interrupted and gone on with, make the
    :class:`DQN` first.

    Args:
        env: An environment of Gymnasium's interface with ``Discrete`` actions; see
            :class:`whetstone_lab.environments.interface.Environment`.
        model: As for :class:`DQN`. Default: :func:`whetstone_lab.models.q_network`.
        steps: As for :class:`DQN`. Default: 50,000.
        seed: As for :class:`DQN`. Default: 0.
        **kwargs: As for :class:`DQN`.

    Returns:
        The agent: ``agent.network`` spikes, ``agent.play(env)`` acts, ``agent.trace`` tells how it learnt.

    Raises:
        ValueError: As in :class:`DQN`, before anything is trained.

    Example:
        >>> agent = train_dqn(env, steps=200, warmup=100, every=20, updates=5, verbose=0)
        >>> episodes = agent.play(env, episodes=5)
    """
    agent = DQN(env, model, steps=steps, seed=seed, **kwargs)
    agent.train()
    return agent


class DQN:
    """A deep Q network that sharpens by steps while it learns: an agent whose policy is made of spikes.

    In every round the agent acts for some steps, at random at first and later by what its network values most, and
    keeps what happens. Then it draws some of all that it keeps, and trains the network towards Bellman's equation; see
    :class:`~whetstone_lab.reinforcement.bellman.BellmanError`. After every update the sharpener takes its step. As soon
    as the network is sharp, its spikes act: the simulator runs the converted network, which is also quicker.

    What a DQN does best it may forget again. So from then on each epoch ends with some episodes in which the network,
    with the average of its weights, does what it values most, and the best of these networks is what is given in the
    end. Its score there is flattered, as of any best one: judge it by other episodes, as :meth:`play` has them. The
    steps of these episodes teach nothing, and are not counted; none of them is longer than an epoch.

    Args:
        env: As for :class:`~whetstone_lab.environments.interface.Environment`.
        model: A Sequential or functional model that takes an observation and ends in a linear ``Dense`` with one value
            for each action. How it was compiled does not matter. Default: :func:`whetstone_lab.models.q_network`, with
            a convolution where observations have rows, columns and channels.
        steps: Steps in the environment, more than the warm-up. Default: 50,000.
        sharpener: When to sharpen. Its epochs are ``settings.epochs`` equal parts of all updates; among the metrics is
            ``episode_return``, the mean of the latest 20 episodes, for ``monitor``. Default: all layers together in
            the first third of the updates, as :func:`whetstone_lab.train` does.
        optimizer: A name in ``whetstone_lab.recipes.OPTIMIZERS``, or a Keras optimizer as it is; it is wrapped in a
            :class:`~whetstone_lab.WhetstoneOptimizer`. Default: Adam, whose rate falls from 0.002 along
            half a cosine.
        seed: Of the environment, of random actions and of what is drawn to learn from. A network that is made here gets
            its weights from ``keras.utils.set_random_seed(seed)``; those of a model that is given are its own. None for
            another run each time. Default: 0.
        check: Whether a model that cannot become spikes is refused; False also trains a ReLU net, as a baseline.
            Default: True.
        verbose: 1 prints a line for each epoch. Default: 1.
        **settings: As for :class:`~whetstone_lab.reinforcement.settings.Settings`.

    Attributes:
        model: The Q network in Keras.
        sharpener: The one at work; None for a model without spiking layers.
        settings: As given.
        done: Steps that were taken so far.
        returns: The sum of the rewards of each finished episode of the training, in order.
        judged: How the network was judged: the steps done by then, and the mean return.

    Raises:
        ValueError: The actions are continuous, the model takes or gives something else than the environment does,
            cannot become spikes, there is no such optimizer, or a number is out of its range. Nothing is trained then.
        TypeError: ``env`` is no environment.
    """

    def __init__(self, env: Any, model: keras.Model | None = None, *, steps: int = 50_000,
                 sharpener: Sharpener | None = None, optimizer: Any = None, seed: int | None = 0, check: bool = True,
                 verbose: int = 1, **settings: Any) -> None:
        self.world, self.settings = Environment(env), Settings(**settings)
        check_count("steps", steps)
        updates = self.settings.updates_in(steps)
        if not updates:
            raise ValueError(f"Expected more steps than the warm-up's {self.settings.warmup}; got {steps}. Give more "
                             "steps, or a smaller warmup.")
        if model is None:
            if seed is not None:
                keras.utils.set_random_seed(seed)
            shape = self.world.shape
            model = q_network(shape, self.world.actions, bounds=self.world.bounds,
                              filters=(16,) if len(shape) == 3 and min(shape[:2]) >= 3 else ())
        _check_fit(model, self.world)
        if check:
            check_model(model)
        self.model, self.steps, self.seed, self.verbose = model, steps, seed, verbose
        self.rng = np.random.default_rng(seed)
        self.memory = ReplayBuffer(self.settings.memory, self.world.shape, self.world.dtype, self.rng,
                                   ahead=self.settings.ahead, discount=self.settings.discount)
        self.done, self.returns = 0, list[float]()
        self.judged: list[tuple[int, float]] = []
        self._updates, self._best, self._finished = 0, list[np.ndarray](), False
        self._per_epoch = max(updates // self.settings.epochs, 1)
        self._compile(optimizer, updates)
        layers = [layer for layer in all_layers(model) if isinstance(layer, SpikingLayer)]
        self.sharpener = (sharpener or Sharpener(early(self.settings.epochs, len(layers)))) if layers else None
        if self.sharpener is not None:
            self.sharpener.attach(model, batches=self._per_epoch)

    # -- what there is to see -----------------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace | None:
        """What the sharpener did and how the loss went; None for a model without spiking layers."""
        return self.sharpener.trace if self.sharpener is not None else None

    @property
    def network(self) -> Network:
        """The network of spiking neurons that acts; of a ReLU net, its baseline.

        Raises:
            ValueError: A layer is not yet fully sharp.
        """
        return convert(self.model, keep_relu=self.sharpener is None, readout="linear")

    def play(self, env: Any, episodes: int = 10, seed: int = 0) -> list[Episode]:
        """Plays episodes in which the spiking network always does what it values most.

        Args:
            env: An environment like that of the training.
            episodes: How many, at least 1. Default: 10.
            seed: As for :func:`whetstone_lab.play`. Default: 0.

        Returns:
            The episodes.

        Raises:
            ValueError: A layer is not yet fully sharp, or as in :func:`whetstone_lab.play`.
        """
        return play(self.network, env, episodes, seed)

    # -- training -----------------------------------------------------------------------------------------------------

    def train(self) -> Trace | None:
        """Trains until all steps are done, or goes on where an interrupt or an error has ended the training.

        What is interrupted (Ctrl-C, or a notebook's stop button) leaves the weights that were learnt in the model, and
        a trace whose status says so. Going on begins with a new episode.

        Returns:
            The trace; None for a model without spiking layers.

        Raises:
            ValueError: The environment gives observations of another shape than it says, or what is not finite. What
                was learnt before stays.

        Warns:
            UserWarning: The training ended with layers that are not sharp.
        """
        if self._finished:
            return self.trace
        with self.sharpener.closing() if self.sharpener is not None else nullcontext():
            self._loop()
            with undisturbed():
                self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
                if self._best:
                    self.model.set_weights(self._best)
                if self.sharpener is not None:
                    self.sharpener.on_train_end()
                self._finished = True
        if not self._speaks:
            warnings.warn(f"The network is not fully sharp after {self.steps} steps. Give the sharpener less to wait "
                          "for, or more steps.", stacklevel=2)
        return self.trace

    def _loop(self) -> None:
        """Episode after episode, with the updates between the steps."""
        policy, total = None, 0.0
        self.memory.end_episode()  # that of before an interrupt
        observation = self.world.reset(self.seed if self.done == 0 else None)
        while self.done < self.steps:
            policy = policy or self._policy()
            if self.rng.random() < self.settings.epsilon_at(self.done, self.steps):
                action = int(self.rng.integers(self.world.actions))
            else:
                action = policy(observation)
            outcome = self.world.step(action)
            self.memory.add(observation, action, outcome.reward * self.settings.reward_scale, outcome.observation,
                            outcome.terminated, outcome.truncated)
            observation, total = outcome.observation, total + outcome.reward
            self.done += 1
            if outcome.over:
                self.returns.append(total)
                observation, total = self.world.reset(), 0.0
            if self.done % self.settings.every == 0 or self.done == self.steps:
                if self.done >= self.settings.warmup:
                    epoch = self._updates // self._per_epoch
                    for _ in range(self.settings.updates):
                        self._update(total)
                    if self._speaks and (self.done == self.steps or self._updates // self._per_epoch > epoch):
                        self._judge()
                        self.memory.end_episode()
                        observation, total = self.world.reset(), 0.0
                policy = None  # the network has changed

    def _judge(self) -> None:
        """Has the network that would be given now play some episodes, and keeps it if none was better."""
        with average_in_place(self.model):
            acts = greedy(self.network)
            limit = -(-self.steps // self.settings.epochs)  # an episode may have no end
            score = sum(play_one(acts, self.world, limit=limit).total for _ in range(self.settings.judged_by))
            score /= self.settings.judged_by
            if score >= max((before for _, before in self.judged), default=score):
                self._best = self.model.get_weights()
        self.judged.append((self.done, score))

    def _update(self, total: float) -> None:
        """Learns from some of what is kept; ``total`` is what the present episode has earned so far."""
        transitions = self.memory.sample(self.settings.batch_size)
        with undisturbed():  # an update is done to its end, with all that follows from it
            loss = self._learner.train_on_batch(transitions, np.zeros(len(transitions.actions), np.float32))
            self._updates += 1
            if self._updates % self.settings.target_every == 0:
                self._learner.target.set_weights(self.model.get_weights())
            if self.sharpener is not None:
                trace, epochs = self.sharpener.trace, self.sharpener.trace.epochs
                latest = self.returns[-_LATEST:] or [total]
                self.sharpener.step(loss, episode_return=sum(latest) / len(latest))
                if self.verbose and trace.epochs > epochs:
                    logs = trace.epoch_logs[-1]
                    print(f"epoch {trace.epochs} of {self.settings.epochs}: {self.done:,} of {self.steps:,} steps, "
                          f"return {logs['episode_return']:.1f}, loss {logs['loss']:.4f}, sharpness "
                          f"{min(trace.sharpness[-1]):.2f}", flush=True)

    @property
    def _speaks(self) -> bool:
        """Whether the simulator can run the network: it is sharp, or has no spiking layers."""
        state = self.sharpener.state if self.sharpener is not None else None
        return state.sharp if state is not None else True

    def _policy(self) -> Callable[[np.ndarray], int]:
        """What the network values most, as its weights are now; in the simulator, unless the network is soft."""
        if self._speaks:
            return greedy(self.network)
        return lambda observation: int(
            self.model.predict_on_batch(observation[None].astype(np.float32)).argmax(-1)[0])

    def _compile(self, optimizer: Any, updates: int) -> None:
        """Compiles the model and what trains it; without a loss, the model's values are read by the largest."""
        if optimizer is None:
            optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, updates))
        elif isinstance(optimizer, str):
            if optimizer.lower() not in OPTIMIZERS:
                raise ValueError(f"Expected an optimizer among {sorted(OPTIMIZERS)}, or a Keras optimizer; got "
                                 f"{optimizer!r}.")
            optimizer = OPTIMIZERS[optimizer.lower()]()
        if not isinstance(optimizer, WhetstoneOptimizer):
            optimizer = WhetstoneOptimizer(optimizer)
        target = copy_of(self.model)
        self.model.compile(optimizer)
        optimizer.build(self.model.trainable_variables)
        self._learner = BellmanError(self.model, target)
        self._learner.compile(optimizer, "huber")


def _check_fit(model: keras.Model, world: Environment) -> None:
    """Refuses a model that does not see what the environment shows, or does not value each action."""
    if isinstance(model, keras.Sequential) and not model.built:
        model.build((None, *world.shape))
    heads = heads_of(model, [])  # whatever it was compiled with
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if shapes != [world.shape]:
        raise ValueError(f"Expected a model with one input of shape {world.shape}, as the observations of environment "
                         f"{world.name} have; got inputs of shapes {shapes}. Begin it with keras.Input({world.shape}).")
    kinds = [(head.kind, head.shape) for head in heads]
    if len(heads) != 1 or heads[0].shape != (world.actions,) or heads[0].kind not in ("linear", "values"):
        got = ", ".join(f"{kind!r} of shape {shape}" for kind, shape in kinds)
        raise ValueError(f"Expected a model with one linear value for each of the {world.actions} actions of "
                         f"environment {world.name}; got an output read as {got}. End it with keras.layers.Dense("
                         f"{world.actions}), without an activation.")
