"""Importing the package is enough for Keras to load its models, in whichever order, and loads no Keras by itself."""

import subprocess
import sys

import keras
import pytest

import whetstone_lab as wl
from whetstone_lab import keys


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), wl.SpikingBReLU(0.25),
                              wl.SoftmaxDecode(keys.make_key(2, 4))])
    model.compile(wl.WhetstoneOptimizer("adam"), "sparse_categorical_crossentropy")
    path = tmp_path_factory.mktemp("registration") / "model.keras"
    model.save(path)
    return path


@pytest.mark.parametrize("imports", [
    # Whoever only asks whether there is a Keras comes by the same finder.
    "import whetstone_lab, importlib.util\nimportlib.util.find_spec('keras')\nassert 'keras' not in sys.modules\n"
    "from keras import models\nimport keras",
    "import keras, whetstone_lab",
], ids=["before Keras", "after Keras"])
def test_a_model_is_loaded_in_a_fresh_process(saved, imports):
    program = (f"import sys\n{imports}\nmodel = keras.models.load_model(sys.argv[1])\n"
               "print(float(model.layers[1].sharpness), type(model.optimizer).__name__)")
    done = subprocess.run([sys.executable, "-c", program, saved], capture_output=True, text=True)
    assert done.stdout == "0.25 WhetstoneOptimizer\n", done.stderr
