"""Networks as LiteRT models (``.tflite``), which phones, small boards and browsers run. LiteRT was TensorFlow Lite.

Needs the package ``ai-edge-litert``, whose schema of the format writes the file and whose interpreter runs it:
``pip install 'whetstone-lab[litert]'``. TensorFlow is not needed.
"""

from __future__ import annotations

from whetstone_lab.exchange.litert.writing import to_litert
from whetstone_lab.exchange.targets import Target

__all__ = ["to_litert"]

TARGET = Target(
    ".tflite", write=to_litert, read=None, package="ai_edge_litert", extra="litert", metadata=True,
    keeps="Every vote and class, with channels last; the class key, the read-out and the metadata as JSON.",
    about="LiteRT, once TensorFlow Lite, for phones and small boards",
    use="ai_edge_litert.interpreter.Interpreter('FILE').get_signature_runner()(input=x), with x in float32, a row a "
        "sample.")
