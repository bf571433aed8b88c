"""whetstone_lab: train ordinary Keras networks into single-spike networks, and watch it happen.

Public names are imported when first used, so that ``import whetstone_lab`` loads neither Keras nor Jupyter.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see; at run time ``__getattr__`` imports the same names
    from whetstone_lab import (
        curves,
        datasets,
        keys,
        live,
        models,
        plots,
        policies,
        recipes,
        recordings,
        simulator,
        widgets,
    )
    from whetstone_lab.archive import ArchiveError
    from whetstone_lab.convert import convert
    from whetstone_lab.folding import fold_batchnorm
    from whetstone_lab.keys import check_key, decode, encode, make_key
    from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU, SpikingSigmoid, spiking_layers
    from whetstone_lab.live import LiveRun, fit
    from whetstone_lab.nir import from_nir, to_nir
    from whetstone_lab.optimizers import WhetstoneOptimizer
    from whetstone_lab.recipes import prepare, train
    from whetstone_lab.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener
    from whetstone_lab.simulator.network import Network
    from whetstone_lab.simulator.record import SpikeRecord
    from whetstone_lab.simulator.run import run
    from whetstone_lab.trace import Trace

__version__ = "0.1.0"

__all__ = [
    "AdaptiveSharpener",
    "ArchiveError",
    "LiveRun",
    "Network",
    "ScheduledSharpener",
    "SoftmaxDecode",
    "SpikeRecord",
    "SpikingBReLU",
    "SpikingSigmoid",
    "StepwiseSharpener",
    "Trace",
    "WhetstoneOptimizer",
    "check_key",
    "convert",
    "curves",
    "datasets",
    "decode",
    "encode",
    "fit",
    "fold_batchnorm",
    "from_nir",
    "keys",
    "live",
    "make_key",
    "models",
    "plots",
    "policies",
    "prepare",
    "recipes",
    "recordings",
    "run",
    "simulator",
    "spiking_layers",
    "to_nir",
    "train",
    "widgets",
]

#: Name -> the module it lives in; the other names of ``__all__`` are modules themselves.
_HOMES = {
    "AdaptiveSharpener": "sharpeners", "ArchiveError": "archive", "LiveRun": "live", "Network": "simulator",
    "ScheduledSharpener": "sharpeners", "SoftmaxDecode": "layers", "SpikeRecord": "simulator", "SpikingBReLU": "layers",
    "SpikingSigmoid": "layers", "StepwiseSharpener": "sharpeners", "Trace": "trace", "WhetstoneOptimizer": "optimizers",
    "check_key": "keys", "convert": "convert", "decode": "keys", "encode": "keys", "fit": "live",
    "fold_batchnorm": "folding", "from_nir": "nir", "make_key": "keys", "prepare": "recipes", "run": "simulator",
    "spiking_layers": "layers", "to_nir": "nir", "train": "recipes",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    value = globals()[name] = getattr(module, name) if name in _HOMES else module
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the module ``convert`` would put it in the place of the function of that name.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
