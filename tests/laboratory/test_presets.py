import numpy as np
import pytest

from whetstone_lab.laboratory.presets import Preset, read
from whetstone_lab.laboratory.settings import CHOICES, LIMITS, Settings


def test_what_is_written_is_read_as_it_was():
    rng = np.random.default_rng(0)
    names = list(Settings().asdict())
    for _ in range(300):
        values = {name: str(rng.choice(list(choices))) for name, choices in CHOICES.items()}
        values |= {name: int(rng.integers(low, high + 1)) for name, (low, high) in LIMITS.items()}
        values = {name: value for name, value in values.items() if rng.random() < 0.6}
        settings = Settings.of({**values, "baseline": bool(rng.random() < 0.5)})
        hidden = {name for name in names if rng.random() < 0.2}
        locked = {name for name in names if rng.random() < 0.2} - hidden
        preset = Preset(settings, frozenset(locked), frozenset(hidden))
        line = str(preset)
        assert len(line) <= 90
        words = line.split()
        rng.shuffle(words)
        assert read(line) == preset == read(", ".join(words).upper())


def test_a_line_of_nothing_is_the_default():
    assert read("") == Preset() == read(str(Preset()))


@pytest.mark.parametrize(("line", "words"), [
    ("digits mnist", "data twice"), ("elephants", "got 'elephants'"), ("e0", "from 1 to 1000"), ("e", "got 'e'"),
    ("s7 s8", "seed twice"), ("!", "got ''")])
def test_what_means_nothing_is_refused(line, words):
    with pytest.raises(ValueError, match=words):
        read(line)


def test_a_mark_locks_and_another_hides():
    preset = read("wide! e40 adaptive-")
    assert (preset.settings.network, preset.locked, preset.hidden) == ("wide", {"network"}, {"sharpening"})
