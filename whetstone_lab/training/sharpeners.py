"""The sharpeners that people use, one for each policy."""

from __future__ import annotations

from typing import Any

from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy, StepwisePolicy
from whetstone_lab.training.sharpener import Sharpener


class StepwiseSharpener(Sharpener):
    """Sharpens in equal steps from a given epoch on; see :class:`whetstone_lab.method.policies.StepwisePolicy`.

    Args:
        start_epoch: The first epoch with a step, at its end or in its batches, counted from 0. Default: 5.
        steps: Steps for each layer (bottom-up) or for all (uniform), at least 1. Default: 5.
        by: ``"epoch"`` or ``"batch"``. Default: ``"epoch"``.
        bottom_up: One layer after the other, or all together. Default: True.
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, start_epoch: int = 5, steps: int = 5, by: str = "epoch", bottom_up: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(StepwisePolicy(start_epoch, steps, by, bottom_up), **kwargs)


class ScheduledSharpener(Sharpener):
    """Sharpens each layer from its start to its stop; see :class:`whetstone_lab.method.policies.ScheduledPolicy`.

    Args:
        schedule: ``(start, stop)`` for each layer, bottom first, in epochs from 0. Default: made from the three below.
        start_epoch: The epoch in which the first layer starts. Default: 5.
        duration: Epochs to sharpen a layer. Default: 5.
        intermission: Epochs between one layer's stop and the next one's start. Default: 0.
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, schedule: Any = None, start_epoch: float = 5, duration: float = 5, intermission: float = 0,
                 **kwargs: Any) -> None:
        super().__init__(ScheduledPolicy(schedule, start_epoch, duration, intermission), **kwargs)


class AdaptiveSharpener(Sharpener):
    """Sharpens while the training loss allows it; see :class:`whetstone_lab.method.policies.AdaptivePolicy`.

    Args:
        min_init_epochs: Epochs to train before sharpening is considered, at least 1. Default: 10.
        rate: Sharpness gained in an epoch, in (0, 1]. Default: 0.25.
        cz_rate: The same in the critical zone, in (0, 1]. Default: 0.126.
        critical: Sharpness at which the critical zone begins, in [0, 1]. Default: 0.75.
        first_layer_relative_rate: Factor on the rate of the first layer, positive. Default: 1.
        patience: Epochs without improvement to wait before sharpening starts, at least 0. Default: 1.
        sig_increase: Relative rise of the loss that counts, positive. Default: 0.15.
        sig_decrease: Relative fall of the loss that counts, positive. Default: 0.15.
        bottom_up: One layer after the other, or all together. Default: True.
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, min_init_epochs: int = 10, rate: float = 0.25, cz_rate: float = 0.126, critical: float = 0.75,
                 first_layer_relative_rate: float = 1.0, patience: int = 1, sig_increase: float = 0.15,
                 sig_decrease: float = 0.15, bottom_up: bool = True, **kwargs: Any) -> None:
        super().__init__(AdaptivePolicy(min_init_epochs, rate, cz_rate, critical, first_layer_relative_rate, patience,
                                        sig_increase, sig_decrease, bottom_up), **kwargs)
