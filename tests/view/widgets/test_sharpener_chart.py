import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab.method.policies import AdaptivePolicy
from whetstone_lab.view import scenes, widgets
from whetstone_lab.view.widgets import SharpenerChart

STATIC = Path(widgets.__file__).parent / "static"


def rows(widget):
    return np.frombuffer(widget.get_state()["past"]["table"], "<f8").reshape(-1, 9)


def test_every_epoch_of_a_record_is_there(finished_trace):
    widget = SharpenerChart(finished_trace)
    table = scenes.epoch_table(finished_trace)
    assert widget.get_state()["past"]["whole"]
    np.testing.assert_array_equal(rows(widget)[:, 0], np.arange(finished_trace.epochs) + 1)
    np.testing.assert_array_equal(rows(widget)[:, 1], finished_trace.epoch_ends)
    for column, name in enumerate(["loss", "reference", "sig_increase", "sig_decrease", "patience", "sharpening",
                                   "sharp"], 2):
        np.testing.assert_array_equal(rows(widget)[:, column], table[name].astype(float))


def test_the_present_is_what_the_policy_goes_by(finished_trace):
    now = SharpenerChart(finished_trace).now
    assert now["reference"] == finished_trace.states[-1]["reference"]
    assert now["policy"] == finished_trace.policy
    assert now["status"] == "recorded"


def test_decisions_come_with_reasons(finished_trace):
    widget = SharpenerChart(finished_trace)
    kinds = [decision["kind"] for decision in widget.get_state()["decisions"]]
    assert {"start", "stop", "sharp", "done"} <= set(kinds)
    assert all(decision["reason"] for decision in widget.get_state()["decisions"])
    json.dumps(widget.get_state()["decisions"], allow_nan=False)


def test_a_long_run_that_grows_is_thinned(made_up_run):
    run = made_up_run(layers=1, probe=False)
    run.trace.set_status("running")
    for _ in range(1500):
        run.trace.append_batch(run.trace.epochs, 1.0, [0.0])
        run.trace.append_epoch({"loss": 1.0}, {"reference": 1.0})
    widget = SharpenerChart(run)
    assert len(rows(widget)) <= 512
    assert not widget.get_state()["past"]["whole"]
    run.trace.status = "recorded"
    assert SharpenerChart(run).get_state()["past"]["whole"]


def replay(policy: AdaptivePolicy, losses) -> list[bool]:
    """Whether a policy is sharpening after each epoch, by the Python rule."""
    state = policy.start([0.0], 1)
    found = []
    for loss in losses:
        state, _ = policy.end_epoch(state, loss)
        found.append(state.sharpening)
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_what_if_follows_the_policy():
    rng = np.random.default_rng(11)
    cases, expected = [], []
    for _ in range(100):
        losses = np.exp(np.cumsum(rng.normal(-0.02, 0.15, 25)))
        policy = AdaptivePolicy(min_init_epochs=int(rng.integers(1, 6)), patience=int(rng.integers(0, 3)))
        changes = {"sig_increase": float(rng.uniform(0.02, 0.4)), "sig_decrease": float(rng.uniform(0.02, 0.4)),
                   "patience": int(rng.integers(0, 4))}
        changes = {name: value for name, value in changes.items() if rng.random() < 0.6}
        before, after = replay(policy, losses), replay(replace(policy, **changes), losses)
        # A decision after the last epoch trains nothing any more, so it makes no difference that can be seen.
        first = next((i + 1 for i, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]), None)
        expected.append(first if first is not None and first < len(losses) else None)
        table = [{"loss": loss, "up": policy.sig_increase, "down": policy.sig_decrease, "patience": policy.patience,
                  "sharpening": int(sharpening), "sharp": 0}
                 for loss, sharpening in zip(losses, [False, *before], strict=False)]
        cases.append([table, changes, policy.min_init_epochs - 1])
    assert 20 < sum(first is not None for first in expected) < 100
    code = f"""
import {{ whatIf }} from {json.dumps((STATIC / "method.mjs").as_uri())};
const cases = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(cases.map(([rows, changes, early]) => whatIf(rows, changes, early).first?.epoch ?? null)));
"""
    result = subprocess.run(["node", "--input-type=module", "-e", code], input=json.dumps(cases), capture_output=True,
                            text=True, timeout=60, check=True)
    assert json.loads(result.stdout) == expected
