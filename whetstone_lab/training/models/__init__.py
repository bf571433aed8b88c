"""The reference nets that the demo, the notebooks and the benchmarks share, each in spikes or as its ReLU baseline."""

from whetstone_lab.training.models.convnet import convnet
from whetstone_lab.training.models.perceptron import mlp

__all__ = ["convnet", "mlp"]
