"""Class keys: what every draw must satisfy, the vote, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.method.class_keys import check_key, decode, encode, make_key, votes

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def disjoint_keys(draw):
    classes = draw(st.integers(2, 12))
    width = draw(st.integers(classes, 80))
    return make_key(classes, width, seed=draw(SEEDS))


@given(classes=st.integers(2, 20), extra=st.integers(0, 60), seed=SEEDS)
def test_without_overlap_every_neuron_speaks_for_exactly_one_class(classes, extra, seed):
    key = make_key(classes, classes + extra, seed=seed)
    assert key.shape == (classes, classes + extra)
    assert (key.sum(axis=0) == 1).all()
    # As even as whole neurons allow: n or n + 1 for each class.
    assert np.ptp(key.sum(axis=1)) <= 1
    assert np.array_equal(check_key(key), key)


@given(classes=st.integers(2, 12), hot=st.integers(1, 9), spare=st.integers(0, 9), seed=SEEDS)
def test_with_hot_every_class_has_that_many_neurons_of_its_own(classes, hot, spare, seed):
    key = make_key(classes, classes * hot + spare, hot=hot, seed=seed)
    assert (key.sum(axis=1) == hot).all()
    assert key.sum(axis=0).max() == 1


@given(classes=st.integers(2, 10), width=st.integers(12, 60), share=st.floats(0.1, 0.6), seed=SEEDS)
def test_with_overlap_classes_stay_apart_and_the_load_is_even(classes, width, share, seed):
    hot = max(2, round(share * width))
    key = make_key(classes, width, hot=hot, overlap=True, seed=seed)
    assert (key.sum(axis=1) == hot).all()
    assert len(np.unique(key, axis=0)) == classes
    assert np.ptp(key.sum(axis=0)) <= 1
    if classes * hot >= width:
        assert key.any(axis=0).all()


def test_defaults_give_ten_neurons_for_each_class():
    assert make_key(7).shape == (7, 70)
    assert make_key(7, hot=3).shape == (7, 21)


@given(seed=SEEDS, overlap=st.booleans())
def test_a_seed_gives_the_same_key_again(seed, overlap):
    assert np.array_equal(make_key(5, 40, hot=7, overlap=overlap, seed=seed),
                          make_key(5, 40, hot=7, overlap=overlap, seed=seed))


def test_other_seeds_give_other_keys_and_never_touch_the_global_generator():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global generator is what is looked at
    drawn = {make_key(10, 100, seed=seed).tobytes() for seed in range(50)}
    assert len(drawn) == 50
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@given(key=disjoint_keys(), data=st.data())
def test_encoded_labels_decode_to_themselves(key, data):
    labels = np.array(data.draw(st.lists(st.integers(0, len(key) - 1), max_size=20)), int)
    spikes = encode(labels, key)
    assert spikes.shape == (len(labels), key.shape[1])
    assert np.array_equal(decode(spikes, key), labels)
    assert np.array_equal(decode(spikes.astype(bool), key), labels)
    assert np.array_equal(decode(spikes.astype(np.float32), key), labels)


@given(seed=SEEDS)
def test_a_wide_key_survives_a_minority_of_wrong_spikes(seed):
    key = make_key(10, 100, seed=seed)
    labels = np.arange(10)
    spikes = encode(labels, key)
    # Rows of 10 of 100 differ in 20 places: with fewer than half of them wrong, the right class still matches best.
    wrong = np.random.default_rng(seed).permuted(np.tile(np.arange(100) < 9, (10, 1)), axis=1)
    assert np.array_equal(decode(spikes ^ wrong, key), labels)


@given(key=disjoint_keys(), data=st.data())
def test_votes_count_agreements_less_disagreements(key, data):
    spikes = np.array(data.draw(st.lists(st.booleans(), min_size=key.shape[1], max_size=key.shape[1])))
    expected = [sum(1 if bool(mark) == bool(spike) else -1 for mark, spike in zip(row, spikes, strict=True))
                for row in key]
    got = votes(spikes, key)
    assert got.dtype == np.int64
    assert got.tolist() == expected
    assert decode(spikes, key) == expected.index(max(expected))


def test_a_tie_goes_to_the_lowest_class():
    key = np.eye(3, dtype=int)
    assert decode(np.zeros(3, int), key) == 0
    assert decode(np.ones(3, int), key) == 0
    assert decode(np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1]]), key).tolist() == [1, 0, 2]


def test_labels_and_spikes_may_have_any_leading_shape():
    key = make_key(4, 12)
    labels = np.arange(8).reshape(2, 1, 4) % 4
    spikes = encode(labels, key)
    assert spikes.shape == (2, 1, 4, 12)
    assert np.array_equal(decode(spikes, key), labels)
    assert votes(spikes, key).shape == (2, 1, 4, 4)


def test_floating_point_activations_keep_their_type():
    assert votes(np.full((2, 4), 0.5, np.float32), np.eye(4)).dtype == np.float32


def test_check_key_takes_lists_booleans_and_floats():
    for key in ([[1, 0], [0, 1]], np.eye(2, dtype=bool), np.eye(2)):
        checked = check_key(key, width=2)
        assert checked.dtype == np.int8
        assert checked.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("key", "words"), [
    ([1, 0, 1], r"shape \(classes, width\).*got shape \(3,\)"),
    (np.array([["a", "b"], ["c", "d"]]), "dtype <U1"),
    ([[1, 2], [0, 1]], r"only 0 and 1; got \[2\]"),
    ([[1, np.nan], [0, 1]], r"only 0 and 1; got \[nan\]"),
    ([[1, 0, 1]], "at least 2 classes; got 1"),
    ([[1, 0], [0, 0], [0, 1], [0, 0]], r"classes \[1, 3\] name none"),
    ([[1, 0], [0, 1], [1, 0]], "classes 0 and 2 have the same"),
    ([[1, 0, 0], [0, 1, 0]], "key for 4 output neurons; got one of width 3"),
])
def test_a_bad_key_is_refused_with_what_is_wrong(key, words):
    with pytest.raises(ValueError, match=words):
        check_key(key, width=4 if np.shape(key) == (2, 3) else None)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"classes": 1}, "classes to be an integer of at least 2; got 1"),
    ({"classes": 2.0}, r"classes to be an integer of at least 2; got 2\.0"),
    ({"classes": True}, "got True"),
    ({"classes": 3, "width": 0}, "width to be an integer of at least 1; got 0"),
    ({"classes": 3, "hot": 0}, "hot to be an integer of at least 1; got 0"),
    ({"classes": 3, "width": 2}, "one output neuron for each of the 3 classes.*got width=2"),
    ({"classes": 3, "width": 5, "hot": 2}, "at least 6 output neurons for 3 classes of 2.*got width=5"),
    ({"classes": 3, "width": 5, "hot": 6, "overlap": True}, "at most width=5 neurons for a class; got hot=6"),
    ({"classes": 3, "width": 5, "hot": 5, "overlap": True}, "no 3 different keys of 5 among 5"),
])
def test_a_key_that_cannot_be_made_says_why(arguments, words):
    with pytest.raises(ValueError, match=words):
        make_key(**arguments)


@pytest.mark.parametrize(("labels", "words"), [
    ([0.0, 1.0], "integer labels; got dtype float64"),
    ([0, 3], "labels from 0 to 2; got 0 to 3"),
    ([-1, 2], "labels from 0 to 2; got -1 to 2"),
])
def test_encode_refuses_labels_that_name_no_class(labels, words):
    with pytest.raises(ValueError, match=words):
        encode(labels, np.eye(3))


@pytest.mark.parametrize(("spikes", "words"), [
    (np.zeros((2, 4)), "key for 4 output neurons; got one of width 3"),
    (np.float64(1), r"spikes of shape \(\.\.\., width\); got shape \(\)"),
    (np.array(["a", "b", "c"]), "got shape .* dtype <U1"),
])
def test_votes_refuses_spikes_of_another_width(spikes, words):
    with pytest.raises(ValueError, match=words):
        votes(spikes, np.eye(3))
