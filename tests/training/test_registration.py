"""Importing the package is enough for Keras to load its models, in whichever order, and loads no Keras by itself."""

import subprocess
import sys

import keras
import pytest
from fresh import run_fresh

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


def run_alone(program, *arguments):
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize(("run", "imports"), [
    # Whoever only asks whether there is a Keras comes by the same finder.
    (run_alone, "import whetstone_lab, importlib.util\nimportlib.util.find_spec('keras')\n"
     "assert 'keras' not in sys.modules\nfrom keras import models\nimport keras"),
    (run_fresh, "assert 'keras' in sys.modules and 'whetstone_lab' not in sys.modules\nimport keras, whetstone_lab"),
], ids=["before Keras", "after Keras"])
def test_a_model_is_loaded_in_a_fresh_process(saved, run, imports):
    program = (f"import sys\n{imports}\nmodel = keras.models.load_model(sys.argv[1])\n"
               "heavy = {'whetstone_lab.compat', 'whetstone_lab.conversion', 'whetstone_lab.simulator'}\n"
               "print(float(model.layers[1].sharpness), type(model.optimizer).__name__, "
               "type(model.layers[-1]).__name__, heavy & set(sys.modules))\n"
               # As in model.fit(x, y, callbacks=[whetstone_lab.AdaptiveSharpener()]), where fit is looked up first.
               "fit = model.fit\nimport whetstone_lab.training.sharpeners\nprint(fit == model.fit, fit.is_hooked)")
    done = run(program, saved)
    assert done.stdout == "0.25 WhetstoneOptimizer Softmax_Decode set()\nTrue True\n", done.stderr


#: Says when the package registers, in place of registering.
TOLD = """
import sys, zipfile
from whetstone_lab import _registration
_registration._register = lambda: print("registered")
"""

#: A Keras of its own, which fails to load the first time, as it does where the backend is not installed.
FAILS_ONCE = """
import sys
if not hasattr(sys, "failed"):
    sys.failed = True
    raise ImportError
"""


@pytest.mark.parametrize(("keras_is", "program", "printed"), [
    (None, "sys.modules['keras'] = None\n_registration.register_with_keras()", ""),
    (FAILS_ONCE, "try:\n    import keras\nexcept ImportError:\n    print('no backend')\nimport keras",
     "no backend\nregistered\n"),
    ("", "with zipfile.ZipFile('all.zip', 'w') as file:\n    file.writestr('keras.py', '')\n"
     "    file.writestr('another.py', '')\nsys.path.insert(0, 'all.zip')\nimport keras, another", "registered\n"),
], ids=["a Keras that is forbidden", "a Keras that fails to load at first", "a Keras in a zip file"])
def test_it_registers_once_keras_is_loaded_whatever_happens_before(tmp_path, keras_is, program, printed):
    if keras_is:
        (tmp_path / "keras.py").write_text(keras_is)
    done = subprocess.run([sys.executable, "-c", f"{TOLD}sys.path.insert(0, '')\n{program}"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
