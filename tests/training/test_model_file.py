"""A saved model's file is whole or called damaged, and notes travel in it without Keras's minding."""

import json
import zipfile

import keras
import numpy as np
import pytest

from whetstone_lab import compat
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.training import model_file


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(path)
    return path


def test_notes_travel_and_the_model_stays_as_it_was(saved):
    before = keras.models.load_model(saved)
    assert model_file.read_notes(saved) == {}
    for notes in ({"about": "é", "numbers": [1, 2.5]}, {"about": None}):
        model_file.write_notes(saved, notes)
        assert model_file.read_notes(saved) == notes
        model_file.check(saved)
    again = keras.models.load_model(saved)
    assert again.get_config() == before.get_config()
    for one, other in zip(again.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("comment", [b"", b"made by hand", b"\xff\xfe", b"[1]", b'{"whetstone_lab": 3}', b"{}",
                                     b"[" * 60000])
def test_the_comment_of_another_is_no_note(saved, comment):
    with zipfile.ZipFile(saved, "a") as file:
        file.comment = comment
    assert model_file.read_notes(saved) == {}


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def emptied(path):
    path.write_bytes(b"")


def overwritten(path):
    path.write_bytes(b"no archive at all" * 50)


def flipped(path):
    with zipfile.ZipFile(path) as file:
        place = file.getinfo("config.json").header_offset + 60
    held = bytearray(path.read_bytes())
    held[place] ^= 1
    path.write_bytes(held)


def of_something_else(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", json.dumps({}))


@pytest.mark.parametrize("damage", [truncated, emptied, overwritten, flipped, of_something_else])
@pytest.mark.parametrize("read", [model_file.check, compat.load_model])
def test_a_damaged_file_is_called_damaged_and_not_missing(saved, damage, read):
    damage(saved)
    with pytest.raises(ArchiveError, match=rf"{saved.name} is .*(damaged|no saved Keras model)"):
        read(saved)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        model_file.check(tmp_path / "no.keras")
    with pytest.raises(ValueError, match="not found"):
        compat.load_model(tmp_path / "no.keras")


def own_loss(true, guess):
    return guess - true


@pytest.mark.parametrize(("loss", "expected"), [
    (None, None), ("mse", "mse"), (keras.losses.huber, "huber"), (own_loss, "own_loss"),
    (["mse", keras.losses.MeanAbsoluteError()], ["mse", keras.losses.MeanAbsoluteError]),
    ({"dense": keras.losses.BinaryCrossentropy(from_logits=True)}, {"dense": keras.losses.BinaryCrossentropy}),
])
def test_the_loss_in_a_file_is_read_as_far_as_it_is_keras_s_own(loss, expected, tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
    if loss is not None:
        model.compile(loss=loss)
    model.save(tmp_path / "model.keras")
    found = model_file.read_loss(tmp_path / "model.keras")
    kinds = keras.tree.map_structure(lambda one: type(one) if isinstance(one, keras.losses.Loss) else one, found)
    assert kinds == expected
    if isinstance(loss, dict):
        assert found["dense"].from_logits


@pytest.mark.parametrize("kept", [
    {"module": "somewhere", "class_name": "Loss", "config": {}}, {"module": "keras.losses", "class_name": "Gone"},
    {"module": "keras.losses", "class_name": "get", "config": {}}, {"module": "keras.losses", "class_name": "Huber"},
    {"module": "keras.losses", "class_name": "Huber", "config": {"loudness": 3}},
    {"module": "builtins", "config": 3, "class_name": "function"}, 3,
])
def test_a_loss_of_others_is_neither_made_nor_run(kept, tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as file:
        file.writestr("config.json", json.dumps({"compile_config": {"loss": kept}}))
    assert model_file.read_loss(tmp_path / "model.keras") is None
