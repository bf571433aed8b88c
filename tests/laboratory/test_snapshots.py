import numpy as np
import pytest

from whetstone_lab.datasets import load_digits
from whetstone_lab.laboratory.snapshots import Snapshots, size, thinned
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.simulator.runner import run


def network(threshold, width=4):
    return Network((width,), [Dense(np.eye(width, dtype=np.float32)), Neurons(threshold)], key=np.eye(width))


def test_samples_stand_with_the_first_of_each_class_in_front():
    data = load_digits()
    snapshots = Snapshots.of_data(data)
    assert (snapshots.shown, len(snapshots.x), snapshots.pictures().shape) == (10, 449, (10, 8, 8))
    assert snapshots.y[:10].tolist() == list(range(10))
    assert sorted(snapshots.y.tolist()) == sorted(data.y_test.tolist())
    values = Snapshots.of_samples(np.zeros((30, 3)), np.zeros(30))
    assert (values.shown, values.pictures().shape) == (10, (0, 1, 1)), "values are no classes, three numbers no picture"
    assert Snapshots.of_samples(np.zeros((99, 4)), np.arange(99)).shown == 24


def test_waves_are_those_of_the_network_that_was():
    snapshots = Snapshots(np.array([[0.3, 0.6, 0.9, 0.0]], np.float32), [2])
    assert (snapshots.at(), snapshots.wave()) == (None, None)
    for epochs, threshold in enumerate((0.2, 0.5, 0.8), 1):
        snapshots.add(epochs, network(threshold))
    assert [snapshots.wave(at)[0] for at in (1, 2.9, 99, None)] == [1, 2, 3, 3]
    assert [len(snapshots.wave(at)[1].neuron) for at in (1, 2, 3)] == [3, 2, 1]
    assert snapshots.wave(0.5) is None
    snapshots.add(2, network(0.1))
    assert list(snapshots.networks) == [1, 2], "a run that was taken back knows nothing of what came after"
    assert len(snapshots.wave(2)[1].neuron) == 3


def test_a_network_that_comes_while_a_wave_is_worked_out_has_a_wave_of_its_own(monkeypatch):
    snapshots = Snapshots(np.array([[0.3, 0.6, 0.9, 0.0]], np.float32))
    snapshots.add(1, network(0.2))

    def interrupted(*arguments, **options):
        monkeypatch.undo()
        snapshots.add(1, network(0.8))  # as the thread that trains may do at any moment
        return run(*arguments, **options)

    monkeypatch.setattr("whetstone_lab.laboratory.snapshots.run", interrupted)
    assert len(snapshots.wave(1)[1].neuron) == 3
    assert len(snapshots.wave(1)[1].neuron) == 1


def test_of_many_networks_some_are_let_go_but_never_the_newest(monkeypatch):
    monkeypatch.setattr("whetstone_lab.laboratory.snapshots._REMEMBERED", 8)
    snapshots = Snapshots()
    for epochs in range(1, 21):
        snapshots.add(epochs, network(0.5))
        assert max(snapshots.networks) == epochs
        assert len(snapshots.networks) <= 8
    known = {epochs: network(0.5) for epochs in range(1, 31)}
    one = size(known[1])
    assert list(thinned(known, 4 * one)) == [1, 11, 21, 30]
    assert list(thinned(known, 0)) == [30]
    assert list(thinned(known, 99 * one)) == list(known)
    assert thinned({}, 9) == {}


def test_networks_are_read_as_they_were_written(tmp_path):
    kept, read = Snapshots(), Snapshots()
    for epochs in (1, 2, 5):
        kept.add(epochs, network(epochs / 10))
    kept.save(tmp_path / "007.network.npz", whole=False)
    read.load(tmp_path / "007.network.npz")
    assert list(read.networks) == [5]
    kept.save(tmp_path / "007.network.npz")
    read.load(tmp_path / "007.network.npz")
    assert list(read.networks) == [1, 2, 5]
    for epochs, one in read.networks.items():
        np.testing.assert_array_equal(one.nodes[1].operation.threshold, np.float32(epochs / 10))
    assert Network.load(tmp_path / "007.network.npz").neurons == 4, "a network like any other"
    (tmp_path / "007.epochs.npz").write_bytes(b"half")
    with pytest.raises(ArchiveError):
        read.load(tmp_path / "007.network.npz")
    assert list(read.networks) == [1, 2, 5], "nothing was changed"
