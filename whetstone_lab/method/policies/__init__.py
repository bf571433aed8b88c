"""When to sharpen: step-wise, scheduled and adaptive policies as pure state machines.

A policy is a set of parameters. It never changes; what changes is its :class:`State`, which goes in and comes out of
every call, so a run can be saved, resumed, replayed on recorded losses, or steered by exchanging the policy between
two batches (``dataclasses.replace(policy, rate=0.1)``).

Source: Severa et al. 2019, arXiv 1810.11521. The adaptive and step-wise rules reproduce the published behaviour;
where a defect of the original package is mended, the docstring says so.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from whetstone_lab.method.policies.adaptive import AdaptivePolicy, AdaptiveState
from whetstone_lab.method.policies.base import Decision, Policy, State
from whetstone_lab.method.policies.scheduled import ScheduledPolicy
from whetstone_lab.method.policies.stepwise import StepwisePolicy

__all__ = ["POLICIES", "AdaptivePolicy", "AdaptiveState", "Decision", "Policy", "ScheduledPolicy", "State",
           "StepwisePolicy", "from_config"]

for _module in iter_modules(__path__):  # a new policy is a new file in this folder, and no more
    import_module(f"{__name__}.{_module.name}")

#: Name -> policy, as traces name them.
POLICIES: dict[str, type[Policy]] = {kind.name: kind for kind in Policy.__subclasses__()}


def from_config(config: dict[str, Any]) -> Policy:
    """Makes a policy from what :meth:`Policy.config` gave."""
    config = dict(config)
    name = config.pop("name", None)
    if name not in POLICIES:
        raise ValueError(f"Expected a policy among {sorted(POLICIES)}; got {name!r}.")
    return POLICIES[name]().steered(**config)
