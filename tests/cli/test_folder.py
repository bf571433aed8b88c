"""A folder has the files of one run, whatever happens, and nobody else's file is lost."""

import json
import os

import pytest

from whetstone_lab.cli import folder

NAMES = ["a.txt", "b.txt"]


def write(out, text, names=NAMES, end=lambda: None, **options):
    with folder.replaced(out, NAMES, **options) as temporary:
        for name in names:
            (temporary / name).write_text(text)
        end()


def raiser(error):
    def end():
        raise error
    return end


def held(out):
    return {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*")
            if path.is_file() and path.name != folder.LIST}


def test_a_run_takes_the_place_of_the_last_one(tmp_path):
    out = tmp_path / "new" / "out"
    write(out, "first")
    (out / "mine.txt").write_text("mine")
    write(out, "second", ["a.txt"])
    assert held(out) == {"a.txt": "second", "mine.txt": "mine"}
    assert list(json.loads((out / folder.LIST).read_text())) == ["a.txt"]
    assert sorted(path.name for path in out.iterdir()) == ["a.txt", folder.LIST, "mine.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_run_that_ends_early_leaves_all_as_it_was(tmp_path, error):
    write(tmp_path / "out", "first")
    for out in (tmp_path / "out", tmp_path / "not" / "there"):
        with pytest.raises(error):
            write(out, "half", end=raiser(error))
    assert held(tmp_path / "out") == dict.fromkeys(NAMES, "first")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("there", ["strange", "changed", "strange list"])
def test_what_no_run_left_so_is_not_overwritten_unasked(tmp_path, there):
    if there == "changed":
        write(tmp_path, "first")
    name = folder.LIST if there == "strange list" else "b.txt"
    (tmp_path / name).write_text("mine")
    before = held(tmp_path)
    with pytest.raises(FileExistsError, match=rf"{name} there would be overwritten.*--overwrite"):
        write(tmp_path, "second")
    assert held(tmp_path) == before
    write(tmp_path, "second", overwrite=True)
    assert held(tmp_path) == dict.fromkeys(NAMES, "second")
    write(tmp_path, "third")
    assert held(tmp_path) == dict.fromkeys(NAMES, "third")


def test_what_comes_while_it_runs_is_not_overwritten_either(tmp_path):
    with pytest.raises(FileExistsError, match=r"b\.txt there would be"):
        write(tmp_path, "new", end=lambda: (tmp_path / "b.txt").write_text("mine"))
    assert held(tmp_path) == {"b.txt": "mine"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_in_the_way_is_told_of_before_anything_is_written(tmp_path, overwrite):
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(FileExistsError, match="there is a folder of that name"):
        write(tmp_path, "new", overwrite=overwrite)
    assert held(tmp_path) == {}


def test_at_no_moment_are_there_files_of_two_runs(tmp_path, monkeypatch):
    """Stopped at any step of the exchange, the folder has files of one run, and can be used again."""
    def stop_after(steps):
        left = iter(range(steps))

        def counted(step):
            def act(*arguments, **options):
                if next(left, None) is None:
                    raise KeyboardInterrupt
                return step(*arguments, **options)
            return act

        return counted

    steps = 0
    while True:
        out = tmp_path / str(steps)
        write(out, "first")
        with monkeypatch.context() as patch:
            counted = stop_after(steps)
            patch.setattr(folder.os, "replace", counted(os.replace))
            patch.setattr(folder.Path, "unlink", counted(folder.Path.unlink))
            try:
                write(out, "second")
            except KeyboardInterrupt:
                stopped = True
            else:
                stopped = False
        assert len(set(held(out).values())) <= 1
        write(out, "third")
        assert held(out) == dict.fromkeys(NAMES, "third")
        if not stopped:
            break
        steps += 1
    assert steps == 6  # two files and the list go, and three come
