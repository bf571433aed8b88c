"""A DQN whose spikes choose what to do, beside a ReLU agent of as many steps.

    python benchmarks/reinforcement.py cartpole --seeds 0 1 2 --out agents.jsonl
    python benchmarks/reinforcement.py breakout --seeds 0 --out agents.jsonl
    python benchmarks/reinforcement.py --table --out agents.jsonl          # only prints what is there

It needs Gymnasium (the extra ``rl``) and, for the games but CartPole, ``pip install minatar`` (1.0.15 was tried; it is
no extra, since it is under the GPL). Each training is a line in the results file as soon as it is done, and is not
repeated when the study goes on; several commands may write to one file, each with other games or seeds.

A score is the mean return of 100 episodes, of seeds that the training has not seen, in which the converted network
always does what it values most, in the simulator. Spiking agents are those of ``whetstone_lab.train_dqn``; baselines
have ReLU in place of each spiking layer, as many steps and updates, the same optimizer and the same settings.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from results import note, read

#: Of the first episode that is judged; trainings have the small numbers.
FIRST_JUDGED = 10_000


@dataclass(frozen=True)
class Game:
    """What an agent learns.

    Attributes:
        make: Makes the environment.
        steps: Of each training.
        settings: As for ``whetstone_lab.DQN``.
        net: As for ``whetstone_lab.models.q_network``.
    """

    make: Callable[[], Any]
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    net: Mapping[str, Any] = field(default_factory=dict)


def cartpole() -> Any:
    """The pole of Gymnasium, at most 500 steps."""
    import gymnasium

    return gymnasium.make("CartPole-v1")


def minatar(name: str) -> Callable[[], Any]:
    """One of MinAtar's games, with the actions that mean something in it."""
    def make() -> Any:
        from minatar.gym import BaseEnv

        return BaseEnv(name, use_minimal_action_set=True)

    return make


#: For 10 x 10 pixels: more is kept, and a batch is that of the games' authors.
PIXELS = {"memory": 100_000, "warmup": 5_000, "target_every": 250, "batch_size": 32, "reward_scale": 0.3}
NET = {"filters": (16,), "hidden": (128,)}

#: Name -> game; a new one is one entry.
GAMES: dict[str, Game] = {
    "cartpole": Game(cartpole, 50_000),
    **{name: Game(minatar(name), 200_000, PIXELS, NET)
       for name in ("breakout", "freeway", "asterix", "space_invaders", "seaquest")},
}


class Job(NamedTuple):
    """One training."""

    game: str
    net: str
    seed: int
    steps: int


#: What trains: the spiking agent and its baseline.
NETS = ("spiking", "relu")


def train(job: Job, episodes: int = 100) -> dict[str, Any]:
    """Trains one agent and says what it reaches."""
    import keras

    import whetstone_lab as wl
    from whetstone_lab.environments.interface import Environment

    began, game, spiking = time.perf_counter(), GAMES[job.game], job.net == "spiking"
    env = game.make()
    keras.utils.set_random_seed(job.seed)
    world = Environment(env)
    model = wl.models.q_network(world.shape, world.actions, bounds=world.bounds, spiking=spiking, **game.net)
    agent = wl.train_dqn(env, model, steps=job.steps, seed=job.seed, check=spiking, **game.settings)
    trained = time.perf_counter() - began
    returns = np.array([episode.total for episode in agent.play(game.make(), episodes, FIRST_JUDGED)])
    return {**job._asdict(), "score": returns.mean(), "error": returns.std() / np.sqrt(episodes),
            "worst": returns.min(), "while_learning": float(np.mean(agent.returns[-100:])),
            "episodes": len(agent.returns),
            "seconds": round(trained, 1), "backend": keras.backend.backend()}


def jobs(games: Sequence[str], nets: Sequence[str], seeds: Sequence[int], steps: int | None) -> list[Job]:
    """What is to be trained, seed by seed, so that a study that is cut short has something of everything."""
    return [Job(game, net, seed, steps or GAMES[game].steps) for seed in seeds for game in games for net in nets]


def done(path: Path) -> dict[Job, dict[str, Any]]:
    """What is noted in a file of each training."""
    return {Job(*(entry[name] for name in Job._fields)): entry for entry in read(path)}


def table(found: Mapping[Job, Mapping[str, Any]]) -> str:
    """The results in Markdown: score and minutes of each seed, and the mean of the scores."""
    lines = ["| game | steps | net | seeds | mean return of 100 episodes | mean | minutes |", 7 * "| --- " + "|"]
    rows: dict[tuple[str, int, str], list[tuple[Job, Mapping[str, Any]]]] = {}
    for job, entry in sorted(found.items()):
        rows.setdefault((job.game, job.steps, job.net), []).append((job, entry))
    for (game, steps, net), row in sorted(rows.items(), key=lambda item: (*item[0][:2], NETS.index(item[0][2]))):
        scores = [entry["score"] for _, entry in row]
        lines.append(f"| {game} | {steps:,} | {net} | {', '.join(str(job.seed) for job, _ in row)} | "
                     f"{', '.join(f'{score:.1f}' for score in scores)} | **{sum(scores) / len(scores):.1f}** | "
                     f"{', '.join(format(entry['seconds'] / 60, '.1f') for _, entry in row)} |")
    return "\n".join(lines)


def main() -> None:
    """Trains what is asked for and is not there yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("games", nargs="*", metavar="GAME",
                        help=f"what to learn: {', '.join(GAMES)} (default: cartpole)")
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=NETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="default: as each game says")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("agents.jsonl"),
                        help="where each training is noted (default: ./agents.jsonl)")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if unknown := [name for name in args.games if name not in GAMES]:
        parser.error(f"expected games among {', '.join(GAMES)}; got {', '.join(unknown)}")
    for job in [] if args.table else jobs(args.games or ["cartpole"], args.nets, args.seeds, args.steps):
        if job not in done(args.out):
            result = train(job)
            note(args.out, result)
            print(f"{result['score']:.1f}, worst {result['worst']:.1f}, in {result['seconds']:.0f} s: {job}",
                  file=sys.stderr, flush=True)
    print(table(done(args.out)))


if __name__ == "__main__":
    main()
