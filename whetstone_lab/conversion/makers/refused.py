"""Layers that cannot become spikes, why, and what to write instead. What stands nowhere is refused as well."""

from __future__ import annotations

import keras

from whetstone_lab.conversion.makers.registry import NO_VOLUMES, refuse

#: Why an activation that is no spiking layer cannot become spikes.
NEVER_SHARPENS = "this activation never sharpens"

_IN_PLACE = "Put whetstone_lab.SpikingBReLU() in its place."

refuse(
    keras.layers.Bidirectional, keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D,
    keras.layers.GRU, keras.layers.LSTM, keras.layers.RNN, keras.layers.SimpleRNN,
    reason="it carries a state from step to step, and a neuron that fires once keeps none",
    remedy="Take all steps at once, with Conv1D over them or Dense behind a Flatten, and whetstone_lab.SpikingBReLU() "
           "behind it.",
)

refuse(
    keras.layers.AdditiveAttention, keras.layers.Attention, keras.layers.GroupQueryAttention,
    keras.layers.MultiHeadAttention,
    reason="attention multiplies activations with each other, which no synapse does",
    remedy="Mix the places with fixed weights, with Conv1D over them or Dense behind a Flatten, and "
           "whetstone_lab.SpikingBReLU() behind it.",
)

refuse(
    keras.layers.ELU, keras.layers.LeakyReLU, keras.layers.PReLU,
    reason=NEVER_SHARPENS,
    remedy=_IN_PLACE,
    operations=("Celu", "Elu", "Gelu", "HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "Relu", "Relu6",
                "Selu", "Silu", "Softplus", "Softsign", "Sparsemax", "Tanh"),
)

refuse(
    keras.layers.GroupNormalization, keras.layers.LayerNormalization, keras.layers.UnitNormalization,
    keras.layers.RMSNormalization,
    reason="it divides by what it finds in each sample, which no fixed weight does",
    remedy="Use BatchNormalization, which becomes part of the weights or of the thresholds beside it.",
)

refuse(
    keras.layers.Dot, keras.layers.Multiply,
    reason="it multiplies activations with each other, which no synapse does",
    remedy="Use Add or Concatenate, and whetstone_lab.SpikingBReLU() behind it.",
    operations=("Dot", "Einsum", "Matmul", "Multiply"),
)

refuse(
    keras.layers.Average, keras.layers.Maximum, keras.layers.Minimum, keras.layers.Subtract,
    reason="the network has no operation for it",
    remedy="Use Add, with weights of the layers before it that learn the signs and the scales.",
    operations=("Average", "Maximum", "Minimum", "Subtract"),
)

refuse(
    keras.layers.AveragePooling3D, keras.layers.Cropping3D, keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling3D, keras.layers.MaxPooling3D, keras.layers.UpSampling3D, keras.layers.ZeroPadding3D,
    reason=NO_VOLUMES.reason,
    remedy=NO_VOLUMES.remedy,
)

refuse(
    keras.layers.Embedding, "ReversibleEmbedding",
    reason="it looks numbers up, and the network takes numbers",
    remedy="Look them up before, and let the model begin behind it; or give it n-hot vectors and use Dense.",
)

refuse(
    keras.layers.CenterCrop, keras.layers.Normalization, keras.layers.Resizing, keras.layers.RandomCrop,
    reason="it prepares the data, and is no part of the network",
    remedy="Prepare the data before, and let the model begin behind it; Rescaling may stay.",
)

refuse(
    keras.layers.Lambda,
    reason="it may do anything",
    remedy="Use layers that say what they do; docs/adding.md shows how to make one of your own known.",
)
