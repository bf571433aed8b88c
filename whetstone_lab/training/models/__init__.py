"""The reference nets that the demo, the notebooks and the benchmarks share, each in spikes or as its ReLU baseline."""

from whetstone_lab.training.models.autoencoder import autoencoder, conv_autoencoder
from whetstone_lab.training.models.convnet import convnet
from whetstone_lab.training.models.perceptron import mlp
from whetstone_lab.training.models.q_network import q_network
from whetstone_lab.training.models.resnet import resnet
from whetstone_lab.training.models.segmenter import segmenter
from whetstone_lab.training.models.vgg import vgg

__all__ = ["autoencoder", "conv_autoencoder", "convnet", "mlp", "q_network", "resnet", "segmenter", "vgg"]
