"""whetstone_lab: train ordinary Keras networks into single-spike networks, and watch it happen.

The folders, from the ground up: ``method``, ``records``, ``datasets``, ``simulator``, ``environments`` and
``exchange`` need NumPy alone; ``training``, ``conversion``, ``pretrained``, ``recipes`` and ``reinforcement`` are for
Keras; ``view`` is what people see, and ``cli`` the command. Each imports only what lies below it;
``docs/architecture.md`` has the table.

Public names are imported when first used, so that ``import whetstone_lab`` loads neither Keras nor Jupyter.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from whetstone_lab._registration import register_with_keras

# What editors and type checkers see; at run time ``__getattr__`` imports the same names.
# ruff: noqa: F401
if TYPE_CHECKING:
    from whetstone_lab import course, datasets, environments, recipes, simulator, widgets
    from whetstone_lab.conversion.checking import check
    from whetstone_lab.conversion.convert import convert
    from whetstone_lab.conversion.folding import fold_batchnorm
    from whetstone_lab.environments.playing import play
    from whetstone_lab.exchange import nir
    from whetstone_lab.exchange.c import to_c
    from whetstone_lab.exchange.integers import as_integers, whole_inputs
    from whetstone_lab.exchange.litert import to_litert
    from whetstone_lab.exchange.nir import from_nir, to_nir
    from whetstone_lab.exchange.onnx import to_onnx
    from whetstone_lab.exchange.targets import export
    from whetstone_lab.exchange.verilog import to_verilog
    from whetstone_lab.method import class_keys as keys
    from whetstone_lab.method import class_maps, curves, policies
    from whetstone_lab.method.class_keys import check_key, decode, encode, make_key
    from whetstone_lab.pretrained.spiking import spiking
    from whetstone_lab.recipes import prepare, train
    from whetstone_lab.records import recorded as recordings
    from whetstone_lab.records.archive import ArchiveError
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.records.trace import Trace
    from whetstone_lab.reinforcement.dqn import DQN, train_dqn
    from whetstone_lab.simulator.network import Network
    from whetstone_lab.simulator.runner import run
    from whetstone_lab.training import background as live
    from whetstone_lab.training import models
    from whetstone_lab.training.averaging import WhetstoneOptimizer
    from whetstone_lab.training.background import LiveRun, fit
    from whetstone_lab.training.decode import SoftmaxDecode
    from whetstone_lab.training.depth_profile import depth_profile
    from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers
    from whetstone_lab.training.norm_statistics import estimate_norm_statistics
    from whetstone_lab.training.segmentation import SegmentationCrossentropy
    from whetstone_lab.training.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener
    from whetstone_lab.training.shuffling import Shuffled
    from whetstone_lab.view import plots
    from whetstone_lab.view.page import page

__version__ = "0.1.0"

#: Public name -> where it lives: a module of the house, or ``module:name`` for one name in it.
_HOMES = {
    "AdaptiveSharpener": "training.sharpeners:AdaptiveSharpener",
    "ArchiveError": "records.archive:ArchiveError",
    "DQN": "reinforcement.dqn:DQN",
    "LiveRun": "training.background:LiveRun",
    "Network": "simulator.network:Network",
    "ScheduledSharpener": "training.sharpeners:ScheduledSharpener",
    "SegmentationCrossentropy": "training.segmentation:SegmentationCrossentropy",
    "Shuffled": "training.shuffling:Shuffled",
    "SoftmaxDecode": "training.decode:SoftmaxDecode",
    "SpikeRecord": "records.spikes:SpikeRecord",
    "SpikingBReLU": "training.layers:SpikingBReLU",
    "SpikingSigmoid": "training.layers:SpikingSigmoid",
    "StepwiseSharpener": "training.sharpeners:StepwiseSharpener",
    "Trace": "records.trace:Trace",
    "WhetstoneOptimizer": "training.averaging:WhetstoneOptimizer",
    "as_integers": "exchange.integers:as_integers",
    "class_maps": "method.class_maps",
    "check": "conversion.checking:check",
    "check_key": "method.class_keys:check_key",
    "convert": "conversion.convert:convert",
    "course": "course",
    "curves": "method.curves",
    "datasets": "datasets",
    "decode": "method.class_keys:decode",
    "depth_profile": "training.depth_profile:depth_profile",
    "encode": "method.class_keys:encode",
    "environments": "environments",
    "estimate_norm_statistics": "training.norm_statistics:estimate_norm_statistics",
    "export": "exchange.targets:export",
    "fit": "training.background:fit",
    "fold_batchnorm": "conversion.folding:fold_batchnorm",
    "from_nir": "exchange.nir:from_nir",
    "keys": "method.class_keys",
    "live": "training.background",
    "make_key": "method.class_keys:make_key",
    "models": "training.models",
    "nir": "exchange.nir",
    "page": "view.page:page",
    "play": "environments.playing:play",
    "plots": "view.plots",
    "policies": "method.policies",
    "prepare": "recipes:prepare",
    "recipes": "recipes",
    "recordings": "records.recorded",
    "run": "simulator.runner:run",
    "simulator": "simulator",
    "spiking": "pretrained.spiking:spiking",
    "spiking_layers": "training.layers:spiking_layers",
    "to_c": "exchange.c:to_c",
    "to_litert": "exchange.litert:to_litert",
    "to_nir": "exchange.nir:to_nir",
    "to_onnx": "exchange.onnx:to_onnx",
    "to_verilog": "exchange.verilog:to_verilog",
    "train": "recipes:train",
    "train_dqn": "reinforcement.dqn:train_dqn",
    "whole_inputs": "exchange.integers:whole_inputs",
    "widgets": "widgets",
}

__all__ = sorted(_HOMES)

#: Where scripts of the first release find modules that have moved since.
_MOVED = {
    "archive": "records.archive",
    "folding": "conversion.folding",
    "layers": "training.layers",
    "scene": "view.scenes",
    "trace": "records.trace",
}


def __getattr__(name: str) -> Any:
    home, _, inner = (_HOMES.get(name) or _MOVED.get(name, "")).partition(":")
    if not home:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = import_module(f"{__name__}.{home}")
    value = globals()[name] = getattr(value, inner) if inner else value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _PublicModules:
    """Lets ``import whetstone_lab.widgets`` find a module by its short name, in whichever folder it lives."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        package, _, name = fullname.rpartition(".")
        home = _HOMES.get(name) or _MOVED.get(name, ":")
        if package != __name__ or ":" in home or home == name:
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]  # a loader; importlib.abc takes 20 ms to import

    def create_module(self, spec: ModuleSpec) -> None:
        """Leaves it to the import system, which takes what :meth:`exec_module` puts in its place."""

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2]
        sys.modules[module.__name__] = import_module(f"{__name__}.{_HOMES.get(name) or _MOVED[name]}")


sys.meta_path.append(_PublicModules())
register_with_keras()
