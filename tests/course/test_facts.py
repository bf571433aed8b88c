import numpy as np
import pytest

from whetstone_lab.course import facts
from whetstone_lab.course.facts import FACTS, NEITHER, TOGETHER, settled
from whetstone_lab.course.questions import Question, grade
from whetstone_lab.records.recorded import digits_spikes, digits_trace
from whetstone_lab.records.trace import Trace


def asked(of, **more):
    return Question("own", "?", FACTS[of].kind, of=of, **more)


def right(question):
    if question.number is not None:
        return question.number.answer
    (found,) = [option.text for option in question.options if option.right]
    return found


def run(*epochs, layers=("low", "high"), status="recorded", logs=None):
    """A run whose layers have these sharpnesses after each batch, given epoch by epoch."""
    trace = Trace(layers)
    for epoch, batches in enumerate(epochs):
        for sharpness in batches:
            trace.append_batch(epoch, 1.0, sharpness)
        trace.append_epoch(logs[epoch] if logs else {"loss": 1.0})
    trace.status = status
    return trace


@pytest.mark.parametrize(("of", "answer"), [
    ("first_sharpened_layer", "hidden_1"), ("last_sharpened_layer", "output"), ("sharpening_began", 7),
    ("epochs_until_sharp", 21), ("stops", 0), ("final_accuracy", 0.98218)])
def test_the_recorded_run_of_the_digits(of, answer):
    question = settled(asked(of), {"run": digits_trace()})
    found = right(question)
    assert found == (pytest.approx(answer, abs=1e-4) if isinstance(answer, float) else answer)
    assert grade(question, str(found)).right


def test_every_option_says_why():
    for of in ("first_sharpened_layer", "last_sharpened_layer"):
        options = settled(asked(of), {"run": digits_trace()}).options
        assert [option.text for option in options] == ["hidden_1", "hidden_2", "output", TOGETHER, NEITHER]
        assert all(option.says for option in options)
    first = settled(asked("first_sharpened_layer"), {"run": digits_trace()}).options
    assert first[1].says == "hidden_2 was sharp in epoch 16; hidden_1 was the first, in epoch 11."


TIED = run([(0.5, 0.5), (1, 1)])
HALF = run([(0.5, 0), (1, 0.5)])
FLAT = run([(0, 0), (0, 0)])
ONE_EPOCH = run([(1, 0), (1, 1)])


@pytest.mark.parametrize(("trace", "first", "last"), [
    (TIED, TOGETHER, TOGETHER), (HALF, "low", NEITHER), (FLAT, NEITHER, NEITHER), (ONE_EPOCH, "low", "high")])
def test_layers_that_are_sharp_together_or_not_at_all(trace, first, last):
    for of, answer in (("first_sharpened_layer", first), ("last_sharpened_layer", last)):
        question = settled(asked(of), {"run": trace})
        assert right(question) == answer
        assert all(option.says for option in question.options)


def test_a_run_that_cannot_tell_makes_the_question_wait():
    question = settled(asked("epochs_until_sharp"), {"run": HALF})
    assert question.waits == "This run does not tell: not every layer is sharp at its end."
    assert "no accuracy" in settled(asked("final_accuracy"), {"run": HALF}).waits
    assert "no layer was sharpened" in settled(asked("sharpening_began"), {"run": FLAT}).waits


def test_a_run_that_is_still_to_come_or_goes_on_makes_the_question_wait():
    assert "still to come" in settled(asked("stops"), {"run": None}).waits
    assert "not ended" in settled(asked("stops"), {"run": run([(0, 0)], status="running")}).waits
    assert "not ended" in settled(asked("stops"), {"run": Trace(["low"])}).waits


def test_what_has_a_trace_or_a_record_stands_for_it():
    class Holder:
        trace = TIED

    assert settled(asked("stops"), {"run": Holder()}).number.answer == 0
    with pytest.raises(TypeError, match="asks for stops of a Trace; got a SpikeRecord as 'run'"):
        settled(asked("stops"), {"run": digits_spikes()})


def test_mistakes_with_a_known_reason():
    trace = run([(0, 0)], [(0.5, 0)], [(1, 0.5)], [(1, 1)], [(1, 1)])
    question = settled(asked("epochs_until_sharp"), {"run": trace})
    assert question.number.answer == 4
    assert "count from 1" in grade(question, "3").says
    assert "So long the sharpening took" in grade(question, "2").says
    assert "So long the whole run was" in grade(question, "5").says
    for kind in ("start", "stop", "start"):
        trace.append_event(kind, "Because.", epoch=1)
    assert right(settled(asked("stops"), {"run": trace})) == 1
    assert "So often it started" in grade(settled(asked("stops"), {"run": trace}), "2").says


def test_the_last_accuracy_is_that_of_the_validation():
    logs = [{"accuracy": 0.8, "val_accuracy": 0.9}, {"accuracy": 0.99, "val_accuracy": 0.85}]
    question = settled(asked("final_accuracy"), {"run": run([(0, 0)], [(1, 1)], logs=logs)})
    assert grade(question, "85 %").right
    assert "training data" in grade(question, "0.99").says
    assert "best epoch" in grade(question, "0.9").says


def test_spikes_of_the_digits():
    record = digits_spikes()
    fired = sum(int(record.dense(layer).any(axis=(0, 1)).sum()) for layer in record.layers)
    silent = settled(asked("silent_neurons"), {"run": record})
    assert right(silent) == sum(record.sizes) - fired
    assert "So many neurons fired" in grade(silent, str(fired)).says
    assert right(settled(asked("busiest_layer"), {"run": record})) == "hidden_1"
    assert right(settled(asked("misread"), {"run": record})) == int((record.labels != record.classes).sum())


def test_labels_that_are_not_known_make_the_question_wait(silent_record, map_record):
    for record in (silent_record, map_record):
        assert "not known" in settled(asked("misread"), {"run": record}).waits


def test_numbers_by_name():
    values = {"adam": 0.97, "sgd": np.float64(0.9), "adadelta": 0.95}
    assert right(settled(asked("most", run="accuracies"), {"accuracies": values})) == "adam"
    least = settled(asked("least"), {"run": values})
    assert right(least) == "sgd"
    assert least.options[0].says == "adam has 0.97; sgd has 0.9."
    assert "a, b and c have the same, 1." in settled(asked("most"), {"run": {"a": 1, "b": 1, "c": 1}}).waits
    counts = settled(asked("most"), {"run": {"a": 16151, "b": 11511}})
    assert counts.options[0].says == "a has the most, 16,151."
    assert "takes two" in settled(asked("most"), {"run": {"a": 1}}).waits


def test_a_quiz_may_let_a_number_be_further_off():
    question = Question("own", "?", "number", of="final_accuracy", number=facts.Number(0.0, 0.05))
    trace = run([(0, 0)], logs=[{"accuracy": 0.8}])
    assert grade(settled(question, {"run": trace}), "0.76").right


def test_what_is_not_about_a_run_stays_as_it_is():
    question = Question("plain", "?", "choice")
    assert settled(question, {}) is question
