"""What a network is made of: weights, pools, shapes and the threshold that makes neurons. Plain NumPy, channels last.

An operation knows its arithmetic and its shapes, and holds nothing else. It takes and gives arrays with a leading
axis of samples. The arithmetic follows Keras's in kind and in order (products are summed first, then the bias is
added; an average is a sum over the window, row by row, divided by the count), in the floating point type of the
weights. Only the order within a sum of products is the library's own, see :func:`whetstone_lab.simulator.runner.run`.

To add a kind: write its class in a file here, and give it its name in :data:`KINDS`.
"""

from whetstone_lab.simulator.operations.arithmetic import Add, ReLU, Scale
from whetstone_lab.simulator.operations.base import Operation, Shape, Weighted
from whetstone_lab.simulator.operations.conv import Conv2D
from whetstone_lab.simulator.operations.conv_transpose import Conv2DTranspose
from whetstone_lab.simulator.operations.dense import Dense
from whetstone_lab.simulator.operations.neurons import Neurons, without_bias, without_scale
from whetstone_lab.simulator.operations.pooling import (
    AveragePool2D,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
)
from whetstone_lab.simulator.operations.shaping import Concatenate, Pad2D, Permute, Reshape, UpSample2D

__all__ = [
    "KINDS", "Add", "AveragePool2D", "Concatenate", "Conv2D", "Conv2DTranspose", "Dense", "GlobalAveragePool2D",
    "GlobalMaxPool2D", "MaxPool2D", "Neurons", "Operation", "Pad2D", "Permute", "ReLU", "Reshape", "Scale", "Shape",
    "UpSample2D", "Weighted", "kind_name", "without_bias",
    "without_scale",
]

#: Name of a kind in files -> its class. The names are the file format: a class may be renamed, its name here may not,
#: so that old files load and old releases read new ones.
KINDS: dict[str, type[Operation]] = {
    "Neurons": Neurons,
    "Dense": Dense,
    "Conv2D": Conv2D,
    "Conv2DTranspose": Conv2DTranspose,
    "MaxPool2D": MaxPool2D,
    "AveragePool2D": AveragePool2D,
    "GlobalMaxPool2D": GlobalMaxPool2D,
    "GlobalAveragePool2D": GlobalAveragePool2D,
    "Reshape": Reshape,
    "Permute": Permute,
    "Pad2D": Pad2D,
    "UpSample2D": UpSample2D,
    "Scale": Scale,
    "Rectify": ReLU,
    "Add": Add,
    "Concatenate": Concatenate,
}


def kind_name(operation: Operation) -> str:
    """The name that files have for the kind of an operation.

    Raises:
        ValueError: Files know no such kind.

    Example:
        >>> kind_name(ReLU())
        'Rectify'
    """
    for name, kind in KINDS.items():
        if type(operation) is kind:
            return name
    raise ValueError(f"Expected an operation of a kind that files know, {list(KINDS)}; got {operation!r}.")
