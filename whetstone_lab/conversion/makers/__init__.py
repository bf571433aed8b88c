"""What Keras layers become, one file a kind.

To add a layer, add a file here that registers it; see :mod:`whetstone_lab.conversion.makers.registry`. Every module of
this folder is imported when the folder is, so no list has to name it.
"""

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
