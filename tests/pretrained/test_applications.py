"""Networks of Keras Applications are turned: small pictures and weights as they begin, their structure as it is."""

import keras
import numpy as np
import pytest
from relu_nets import outputs, unbounded

import whetstone_lab as wl
from whetstone_lab.conversion.calls import layer_calls
from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.pretrained.factors import factors_of
from whetstone_lab.pretrained.turning import problems

SHAPE = (32, 32, 3)


def test_mobilenet_v2_is_turned_and_would_convert(monkeypatch):
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None, input_shape=SHAPE, classes=4, alpha=0.35)
    x = np.random.default_rng(0).random((8, *SHAPE), np.float32)
    spiking = wl.spiking(model, x)
    wl.check(spiking)
    assert len(wl.spiking_layers(spiking)) == sum(isinstance(layer, keras.layers.ReLU) for layer in model.layers)
    unbounded(monkeypatch)
    assert np.allclose(outputs(model, x)[0], outputs(spiking, x)[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("make", "relus"), [(keras.applications.VGG16, 15), (keras.applications.ResNet50, 49)])
def test_of_larger_ones_each_relu_can_be_scaled_without_a_layer_of_its_own(make, relus):
    model = make(weights=None, input_shape=SHAPE, classes=4)
    calls = layer_calls(model)
    assert not problems(calls)
    factors, cut = factors_of(calls, [SHAPE])
    assert (len(factors.relus), cut) == (relus, set())


def test_all_that_other_activations_and_products_do_is_listed():
    model = keras.applications.EfficientNetB0(weights=None, input_shape=SHAPE, classes=4)
    with pytest.raises(ConversionError) as caught:
        wl.spiking(model, np.zeros((1, *SHAPE)))
    said = {finding.layer: str(finding) for finding in caught.value.findings}
    assert "got 'silu'" in said["stem_activation"]
    assert "Prepare the data before" in said["normalization"]
    assert "multiplies activations" in said["block1a_se_excite"]
