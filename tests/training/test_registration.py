"""Importing the package is enough for Keras to load its models, in whichever order, and loads no Keras by itself."""

import subprocess
import sys

import keras
import pytest

import whetstone_lab as wl
from whetstone_lab import compat, keys


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), wl.SpikingBReLU(0.25),
                              wl.SoftmaxDecode(keys.make_key(2, 4)), keras.layers.Dense(4), compat.Spiking_BRelu(),
                              keras.layers.Dense(4), compat.Spiking_Sigmoid(), compat.Softmax_Decode(size=(2, 4))])
    model.compile(wl.WhetstoneOptimizer("adam"), "sparse_categorical_crossentropy")
    path = tmp_path_factory.mktemp("registration") / "model.keras"
    model.save(path)
    return path


@pytest.mark.parametrize("imports", [
    "import whetstone_lab\nassert 'keras' not in sys.modules\nimport keras",
    "import keras, whetstone_lab",
    "import whetstone_lab, importlib.util\nimportlib.util.find_spec('keras')\nfrom keras import models\nimport keras",
], ids=["before Keras", "after Keras", "with somebody who only asks for Keras"])
def test_a_model_is_loaded_in_a_fresh_process(saved, imports):
    program = (f"import sys\n{imports}\nmodel = keras.models.load_model(sys.argv[1])\n"
               "heavy = {'whetstone_lab.compat', 'whetstone_lab.conversion', 'whetstone_lab.simulator'}\n"
               "print(float(model.layers[1].sharpness), type(model.optimizer).__name__, "
               "type(model.layers[-1]).__name__, heavy & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", program, saved], capture_output=True, text=True)
    assert done.stdout == "0.25 WhetstoneOptimizer Softmax_Decode set()\n", done.stderr
