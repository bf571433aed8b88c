"""The mailbox: commands in order, none lost when it closes, none kept once it is closed."""

import threading

from whetstone_lab.training.background.mailbox import Mailbox


def test_commands_come_out_in_the_order_in_which_they_went_in():
    box, done = Mailbox(), []
    box.unlock()
    for number in range(5):
        assert box.put(lambda number=number: done.append(number))
    assert len(box) == 5
    while len(box):
        box.take()()
    assert done == [0, 1, 2, 3, 4]


def test_a_closed_mailbox_keeps_nothing_and_says_so():
    box = Mailbox()
    assert not box.open
    assert not box.put(lambda: None)
    assert len(box) == 0


def test_it_does_not_close_over_a_command_that_nobody_has_taken():
    box, ended = Mailbox(), []
    box.unlock()
    box.put(lambda: None)
    assert not box.close(then=lambda: ended.append(1))
    assert box.open
    assert not ended
    box.take()()
    assert box.close(then=lambda: ended.append(box._open))  # it ends while still open to nobody else
    assert ended == [True]
    assert not box.open


def test_every_command_is_carried_out_once_by_somebody_however_it_closes():
    for _ in range(50):
        box, done = Mailbox(), []
        box.unlock()

        def give(box=box, done=done):
            for number in range(20):
                if not box.put(lambda number=number: done.append(number)):
                    done.append(number)  # closed: whoever gives the command carries it out

        giver = threading.Thread(target=give)
        giver.start()
        while not box.close(then=lambda: None):
            box.take()()
        giver.join()
        assert sorted(done) == list(range(20))
