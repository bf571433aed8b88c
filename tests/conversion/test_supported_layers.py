"""``docs/supported_layers.md`` says what the code does."""

import runpy
from pathlib import Path

import keras
from backends import only_on

from whetstone_lab.conversion.makers import registry

DOCS = Path(__file__).parents[2] / "docs"


@only_on("tensorflow", why="the page is the same on each")
def test_the_page_is_written_from_the_registered_layers():
    page = (DOCS / "supported_layers.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(DOCS / "supported_layers.py"))["document"](), (
        "docs/supported_layers.md is stale: run python docs/supported_layers.py")
    assert "| `Dense` | Every input to every output, along the last axis. |" in page
    assert "| one linear value, `y` of 0 and 1 | logit | binary crossentropy, from logits | accuracy |" in page


def test_every_layer_that_is_named_is_one_of_keras_or_ours():
    newer = {"AugMix", "CutMix", "ReversibleEmbedding"}
    names = {name for names in registry.kinds().values() for name in names}
    assert {name for name in names if not hasattr(keras.layers, name)} <= {
        "SpikingLayer", "SoftmaxDecode", "GroupedQueryAttention", *newer}
