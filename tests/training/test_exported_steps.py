"""A sharp model that is exported: each pre-activation at a threshold is a spike, whatever a converter folds or rounds.

Weights are quarters and inputs are zeros and ones, so that sums are exact and many of them lie at the threshold.
"""

import keras
import numpy as np
import pytest
from backends import array, only_on
from keras.layers import Add, Conv2D, Dense, Flatten, MaxPooling2D
from rounding import beyond_doubt

from whetstone_lab.conversion.convert import convert
from whetstone_lab.simulator import Node, run
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid
from whetstone_lab.training.original_layers import Spiking_BRelu

pytestmark = pytest.mark.every_backend


def sharp_model(kind, *layers):
    """A model of quarters; the inputs for it; what it gives and how many sums lie at a threshold, worked out here."""
    model = keras.Sequential([keras.Input((5, 5, 2)), *layers, Flatten(), Dense(12), kind(1.0)])
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (60, 5, 5, 2)).astype(np.float32)
    ties, values = 0, x
    for layer in model.layers:
        if weights := layer.get_weights():
            if isinstance(layer, kind):
                at = array(values)
                ties += int((at == layer.threshold).sum())
            else:
                layer.set_weights([rng.integers(-4, 5, weight.shape) / 4 for weight in weights])
        values = layer(values)
    model(x)  # a model that was never called is not exported
    return model, x, (at >= model.layers[-1].threshold).astype(np.float32), ties


def in_saved_model(path, x):
    import tensorflow as tf

    model = tf.saved_model.load(path)
    return model.serve(x).numpy()


def in_litert(path, x):
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(path)
    given, made = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, x)
    interpreter.invoke()
    return interpreter.get_tensor(made)


def in_onnx_runtime(path, x):
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def in_openvino(path, x):
    # As it comes, it computes in bfloat16 on processors that have it.
    return pytest.importorskip("openvino").compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


#: Keras's name of a format -> the package that it needs, the end of a file's name, and what runs the file.
FORMATS = {
    "tf_saved_model": ("tensorflow", "", in_saved_model), "litert": ("ai_edge_litert", ".tflite", in_litert),
    "onnx": ("tf2onnx", ".onnx", in_onnx_runtime), "openvino": ("openvino", ".xml", in_openvino),
}


def perceptron(inputs):
    return SpikingBReLU(1.0)(Dense(20)(Flatten()(inputs)))


def convnet(inputs):
    x = MaxPooling2D(2, padding="same")(SpikingBReLU(1.0)(Conv2D(4, 3, padding="same")(inputs)))
    return Flatten()(SpikingSigmoid(1.0)(Conv2D(4, 2, strides=2, padding="same")(x)))


def residual(inputs):
    x = SpikingBReLU(1.0)(Conv2D(3, 3, padding="same")(inputs))
    return Flatten()(SpikingBReLU(1.0)(Add()([Conv2D(3, 1)(x), x])))


@only_on("tensorflow", why="not all backends write all formats")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", ["ties", "random"])
@pytest.mark.parametrize("body", [perceptron, convnet, residual])
@pytest.mark.parametrize("name", FORMATS)
def test_keras_exports_every_spike(name, body, weights, tmp_path):
    """Those that .ci/run has not got were tried with ai-edge-litert 2.3.0, tf2onnx 1.17.0, onnxruntime 1.32.0 and
    openvino 2026.4.1; benchmarks/peers.sh asks them."""
    if (name, weights) == ("tf_saved_model", "random") and body is not residual:
        pytest.skip("TensorFlow runs it with the kernels that Keras has used.")
    package, end, in_runtime = FORMATS[name]
    pytest.importorskip(package, reason=f"{package} is not installed")
    rng, inputs = np.random.default_rng(0), keras.Input((5, 5, 2))
    model = keras.Model(inputs, SpikingSigmoid(1.0)(Dense(12)(body(inputs))))
    for layer in model.layers:
        if isinstance(layer, (Conv2D, Dense)):
            layer.set_weights([rng.integers(-4, 5, weight.shape) / 4 if weights == "ties" else
                               rng.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])
    x = rng.integers(0, 2, (60, 5, 5, 2)) if weights == "ties" else rng.normal(size=(60, 5, 5, 2))
    network, x = convert(model), x.astype(np.float32)
    model(x)  # a model that was never called is not exported
    record, last = run(network, x), network.layers[-1]
    expected = record.dense(last)[:, network.steps[last]]
    assert 0.1 < expected.mean() < 0.9
    above = network.with_nodes(Node(node.name, Neurons(np.nextafter(node.operation.threshold, np.float32(9))),
                                    node.inputs) if isinstance(node.operation, Neurons) else node
                               for node in network.nodes)
    lost = (run(above, x).dense(last)[:, network.steps[last]] != expected).sum()
    assert lost > 10 if weights == "ties" else not lost  # if a neuron at its threshold did not fire
    sure = np.ones(len(x), bool) if weights == "ties" else beyond_doubt(network, record)
    assert sure.mean() > 0.8
    model.export(str(tmp_path / f"model{end}"), format=name, verbose=False)
    np.testing.assert_array_equal(in_runtime(str(tmp_path / f"model{end}"), x)[sure], expected[sure])


@only_on("tensorflow", "jax", why="PyTorch's compiler takes minutes")
@pytest.mark.parametrize("options", [{"jit_compile": True}, {"steps_per_execution": 3, "jit_compile": False}],
                         ids=["jit", "several steps"])
def test_a_compiled_model_predicts_every_spike(options):
    model, x, expected, _ = sharp_model(SpikingBReLU, Conv2D(3, 3), SpikingBReLU(1.0))
    model.compile(**options)
    np.testing.assert_array_equal(model.predict(x, batch_size=16, verbose=0), expected)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", [SpikingBReLU, SpikingSigmoid])
def test_in_half_precision_a_tie_is_a_spike(kind, policy):
    """Sums of these quarters are exact in half precision; weights that are not round, and then any sum may move."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model, x, expected, ties = sharp_model(kind, Conv2D(3, 3), kind(1.0))
        assert ties > 30
        np.testing.assert_array_equal(array(keras.ops.cast(model(x), "float32")), expected)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [SpikingBReLU, SpikingSigmoid])
def test_with_weights_of_8_bits_the_step_is_exact_and_the_sums_are_not(kind):
    """Keras rounds weights and inputs, so that a sum at its threshold comes out on either side; the step says which."""
    model = keras.Sequential([keras.Input((30,)), Dense(50), kind(1.0)])
    dense, step = model.layers
    rng = np.random.default_rng(0)
    dense.set_weights([rng.integers(-4, 5, shape) / 4 for shape in ((30, 50), (50,))])
    x = rng.integers(0, 2, (60, 30)).astype(np.float32)
    before, spikes = array(dense(x)), array(model(x))
    model.quantize("int8")
    after, found = array(dense(x)), array(model(x))
    np.testing.assert_array_equal(found, after >= step.threshold)
    ties = before == step.threshold
    assert ties.sum() > 100
    assert 0.3 < found[ties].mean() < 0.8
    np.testing.assert_array_equal(found[~ties], spikes[~ties])


MODELS = [(SpikingBReLU, 3), (Spiking_BRelu, 1), (SpikingSigmoid, 3)]


@only_on("tensorflow", why="it makes no such files")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize(("kind", "size"), MODELS)
def test_tensorflow_lite_has_the_same_spikes(kind, size, bits):
    import tensorflow as tf

    model, x, expected, ties = sharp_model(kind, Conv2D(3, size), kind(1.0))
    assert ties > 30
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if bits == 8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in x)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    given, made = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, x)
    interpreter.invoke()
    # Of integers of 8 bits it is the quantiser that decides, which seldom rounds a sum to another side of zero.
    assert (interpreter.get_tensor(made) != expected).mean() <= (0.01 if bits == 8 else 0)


@only_on("torch", why="the test is of PyTorch's exporter")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sharpness", [1.0, 0.5])
@pytest.mark.parametrize(("kind", "size"), MODELS)
def test_pytorch_exports_to_onnx_with_the_same_spikes(kind, size, sharpness, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    pytest.importorskip("onnxscript", reason="PyTorch's exporter to ONNX needs onnxscript")
    model, x, expected, ties = sharp_model(kind, Conv2D(3, size), kind(1.0))
    assert ties > 30
    if sharpness < 1:
        for layer in (model.layers[1], model.layers[-1]):
            layer.set_sharpness(sharpness)
        expected = array(model(x))
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: x})[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0 if sharpness == 1 else 1e-5)


@only_on("tensorflow", why="its graphs can be looked into")
@pytest.mark.parametrize("kind", [SpikingBReLU, SpikingSigmoid])
def test_no_number_in_an_exported_graph_is_too_steep_to_be_folded(kind):
    import tensorflow as tf

    layer = kind(1.0)
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 3))).graph
    numbers = [tf.make_ndarray(node.get_attr("value")) for node in graph.get_operations() if node.type == "Const"]
    assert all(np.abs(number).max(initial=0) < 1e4 for number in numbers)
    assert "GreaterEqual" in {node.type for node in graph.get_operations()}
