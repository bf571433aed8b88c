"""Data sets through Keras itself, where there is no network."""

import json
import re

import pytest
from fresh import run_fresh

pytest.importorskip("keras")


def test_what_keras_itself_raises_without_a_network_is_told():
    program = """
import json
from unittest import mock
from pathlib import Path
from whetstone_lab import datasets
from whetstone_lab.datasets import search
import keras
search.SYSTEM = Path("nowhere")
answer = {}
for name in ("mnist", "fashion_mnist", "cifar10"):
    with mock.patch("urllib.request.OpenerDirector.open", side_effect=OSError("no network here")):
        try:
            datasets.load(name)
        except FileNotFoundError as error:
            answer[name] = str(error)
print(json.dumps(answer))
"""
    done = run_fresh(program, environment={"WHETSTONE_DATA": ""})
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    for name in ("mnist", "fashion_mnist", "cifar10"):
        assert re.search(rf"keras\.datasets\.{name}: .*no network here", answer[name])
