"""The file format of LiteRT: tensors, operators and constants, packed by the schema that LiteRT brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import free_name
from whetstone_lab.simulator.operations import Shape

#: The version of the file format, and the four bytes by which its files are known.
VERSION, MARK = 3, b"TFL3"

#: Kinds of tensors: values, spikes, classes and votes of a key, and places and lengths.
REAL, BOOL, WHOLE, INDEX = (np.dtype(kind) for kind in (np.float32, np.bool_, np.int64, np.int32))

#: Operator -> the version of it that is written; 1 where it is not here. A runtime refuses what it is too old for.
_VERSIONS = {"CONV_2D": 6, "FULLY_CONNECTED": 5}  # 6: with groups; 5: with all axes kept

#: Operator -> its table of options in the schema, where that has another name.
_OPTIONS = {"AVERAGE_POOL_2D": "Pool2D", "MAX_POOL_2D": "Pool2D", "CONV_2D": "Conv2D", "REDUCE_MAX": "Reducer",
            "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "SUM": "Reducer"}


def load_schema() -> Any:
    """LiteRT's schema of its files, as Python classes.

    Raises:
        ImportError: The package is not installed; the message says how to install it.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise ImportError("LiteRT files need the package ai-edge-litert: pip install 'whetstone-lab[litert]'"
                          ) from error
    return schema_py_generated


@dataclass(frozen=True)
class Value:
    """A tensor of a model.

    Attributes:
        index: Its number in the model.
        name: Its name there.
        shape: Without the axis of samples.
    """

    index: int
    name: str
    shape: Shape


class Model:
    """A model to which tensors and operators are added, and which is then a file."""

    def __init__(self) -> None:
        self.schema = load_schema()
        self.kinds = {REAL: self.schema.TensorType.FLOAT32, BOOL: self.schema.TensorType.BOOL,
                      WHOLE: self.schema.TensorType.INT64, INDEX: self.schema.TensorType.INT32}
        self._buffers = [self.schema.BufferT()]  # the first stands for no constant
        self._codes: dict[str, int] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._taken: set[str] = set()

    def name(self, wanted: str) -> str:
        """A name that nothing else has: as wanted, or with a number."""
        name = free_name(wanted or "_", self._taken)
        self._taken.add(name)
        return name

    def tensor(self, name: str, shape: Shape, dtype: np.dtype = REAL) -> Value:
        """A tensor that is an input or that an operator fills, of so many samples as there are.

        Args:
            name: Its name, which nothing else has.
            shape: Without the axis of samples; places and lengths have no such axis.
            dtype: The kind of its values.
        """
        lengths = ([*shape], [*shape]) if dtype == INDEX else ([1, *shape], [-1, *shape])
        return self._add(name, tuple(shape), dtype, *lengths)

    def constant(self, name: str, array: np.ndarray) -> Value:
        """A tensor of fixed numbers, in float32 or, of whole numbers, in int32."""
        dtype = REAL if array.dtype.kind == "f" else INDEX
        numbers = np.ascontiguousarray(array, dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
        return self._add(self.name(f"{name}/constant"), array.shape, dtype, [*array.shape],
                         buffer=self._buffer(numbers))

    def put(self, kind: str, name: str, shape: Shape, *inputs: Value | np.ndarray, dtype: np.dtype = REAL,
            **options: Any) -> Value:
        """Puts an operator behind values and constants, and returns what it gives.

        Args:
            kind: The operator, as the schema calls it.
            name: What the names of its tensors begin with.
            shape: Of what it gives, without the axis of samples.
            inputs: Values, and arrays for constants, in the operator's order.
            dtype: The kind of what it gives.
            options: The operator's options, as the schema calls them.
        """
        made = self.tensor(self.name(f"{name}/{kind.lower()}"), shape, dtype)
        self.fill(made, kind, *inputs, **options)
        return made

    def fill(self, made: Value, kind: str, *inputs: Value | np.ndarray, **options: Any) -> None:
        """As :meth:`put`, into a tensor that there is."""
        given = [each if isinstance(each, Value) else self.constant(made.name, each) for each in inputs]
        table = _OPTIONS.get(kind, kind.title().replace("_", "")) + "Options"
        code = getattr(self.schema.BuiltinOptions, table, None)
        said = {} if code is None else {
            "builtinOptionsType": code, "builtinOptions": getattr(self.schema, f"{table}T")(**options)}
        self._operators.append(self.schema.OperatorT(
            opcodeIndex=self._codes.setdefault(kind, len(self._codes)), inputs=[each.index for each in given],
            outputs=[made.index], **said))

    def written(self, inputs: Sequence[Value], outputs: Sequence[Value], metadata: Mapping[str, str]) -> bytes:
        """The file.

        Args:
            inputs: Its inputs; their names are those of the signature ``serving_default``, too.
            outputs: Its outputs, likewise.
            metadata: Name -> text.
        """
        import flatbuffers

        schema = self.schema
        signature = schema.SignatureDefT(signatureKey="serving_default", **{
            kind: [schema.TensorMapT(name=value.name, tensorIndex=value.index) for value in values]
            for kind, values in (("inputs", inputs), ("outputs", outputs))})
        graph = schema.SubGraphT(tensors=self._tensors, operators=self._operators, name="network",
                                 inputs=[value.index for value in inputs], outputs=[value.index for value in outputs])
        codes = [schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, 127),
                                      version=_VERSIONS.get(kind, 1))
                 for kind in self._codes for code in [getattr(schema.BuiltinOperator, kind)]]
        kept = [schema.MetadataT(name=name, buffer=self._buffer(np.frombuffer(said.encode(), np.uint8)))
                for name, said in metadata.items()]
        model = schema.ModelT(version=VERSION, description="written by whetstone_lab", operatorCodes=codes,
                              subgraphs=[graph], buffers=self._buffers, metadata=kept, signatureDefs=[signature])

        class Aligned(flatbuffers.Builder):
            """Puts constants at multiples of 16 bytes, as runtimes read them where they lie."""

            def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802
                self.Prep(16, x.nbytes)
                return super().CreateNumpyVector(x)

        builder = Aligned()
        builder.Finish(model.Pack(builder), MARK)
        return bytes(builder.Output())

    def _add(self, name: str, shape: Shape, dtype: np.dtype, lengths: list[int], signature: list[int] | None = None,
             buffer: int = 0) -> Value:
        self._tensors.append(self.schema.TensorT(name=name, type=self.kinds[dtype], shape=lengths, hasRank=True,
                                                 shapeSignature=signature, buffer=buffer))
        return Value(len(self._tensors) - 1, name, shape)

    def _buffer(self, data: np.ndarray) -> int:
        self._buffers.append(self.schema.BufferT(data=data))
        return len(self._buffers) - 1
