"""Makes the package's layers, losses and optimizer known to Keras as soon as Keras is there, and not before.

``import whetstone_lab`` is then enough for ``keras.models.load_model``, in either order of the two imports, and still
loads no Keras.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

#: The modules that register something with Keras when they are imported.
_REGISTERING = ("layers", "decode", "averaging", "original_layers", "quantised", "segmentation")


def register_with_keras() -> None:
    """Registers now if Keras is loaded, or else when it will be."""
    if sys.modules.get("keras") is not None:  # None there forbids Keras
        _register()
    else:
        sys.meta_path.insert(0, _OnceKerasIsLoaded())


def _register() -> None:
    for name in _REGISTERING:
        importlib.import_module(f"whetstone_lab.training.{name}")


class _OnceKerasIsLoaded:
    """Finds Keras as everybody else would, and registers when it has been loaded."""

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        found = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            # Not before: somebody may only ask whether there is a Keras, or import it again after it has failed to
            # load. And a loader may be shared by several modules, as those of a zip file are.
            if module.__name__ == "keras" and self in sys.meta_path:
                sys.meta_path.remove(self)
                _register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
