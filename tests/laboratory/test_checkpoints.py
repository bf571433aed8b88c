import numpy as np
import pytest

from whetstone_lab.laboratory.checkpoints import Checkpoints, trim
from whetstone_lab.records.archive import ArchiveError


def weights(epoch):
    return {"spiking_000": np.full(250, epoch, np.float32), "relu_000": np.arange(2)}


def test_the_weights_of_an_epoch_are_there_bit_for_bit(tmp_path):
    kept = Checkpoints(tmp_path / "001.weights")
    assert (kept.epochs, kept.before(9)) == ([], 0)
    for epoch in (1, 2, 4):
        kept.keep(epoch, {"spiking_000": np.float32([np.nan, np.inf, -0.0, 1e-40 * epoch])})
    again = Checkpoints(kept.folder)
    assert [again.before(epoch) for epoch in (0, 1, 3, 99)] == [0, 1, 2, 4]
    assert again.read(4)["spiking_000"].tobytes() == np.float32([np.nan, np.inf, -0.0, 4e-40]).tobytes()
    with pytest.raises(FileNotFoundError):
        again.read(3)
    (kept.folder / "00002.npz").write_bytes(b"half")
    with pytest.raises(ArchiveError):
        again.read(2)


def test_what_is_kept_stays_below_the_limit_and_is_spread_over_the_run(tmp_path):
    kept = Checkpoints(tmp_path, limit=20_000)
    for epoch in range(1, 101):
        kept.keep(epoch, weights(epoch))
        size = sum(path.stat().st_size for path in tmp_path.iterdir())
        assert size <= 20_000
    gaps = set(np.diff(kept.epochs))
    assert len(gaps) == 1, "every n-th epoch"
    assert kept.epochs[-1] > 100 - gaps.pop()
    assert len(kept.epochs) >= 5
    Checkpoints(tmp_path / "none", limit=100).keep(1, weights(1))
    assert Checkpoints(tmp_path / "none").epochs == []


def test_the_oldest_runs_give_way(tmp_path):
    runs = [Checkpoints(tmp_path / name) for name in "abc"]
    for run in runs:
        run.keep(1, weights(1))
    size = next((tmp_path / "a").iterdir()).stat().st_size
    (tmp_path / "a" / "notes.npz").write_text("no weights")
    trim(runs, 2 * size)
    assert [run.epochs for run in runs] == [[], [1], [1]]
    trim(runs, 2 * size)
    assert [run.epochs for run in runs] == [[], [1], [1]]
