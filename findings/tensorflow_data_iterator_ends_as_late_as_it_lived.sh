#!/usr/bin/env bash
# Tool: TensorFlow 2.21.0
# Guess: When the last batch has been read, a `tf.data` iterator goes at once.
# Seen: While autotuning is on, as it is by default, dropping the iterator now and then waits for the thread that tunes
#   it, which sleeps between two looks, and ever longer: up to as long as the iterator has lived, a minute at the most.
#   Python stands still meanwhile, and other threads with it. With `options.autotune.enabled = False` it goes at once.
#   The busier the cores, the more often: on two idle ones 2 iterators of 30 waited, on two loaded ones 10 of 60.
# Output (on two loaded cores; the numbers differ from run to run):
#   autotuned: of 60 iterators that lived 0.2 s, 10 took more than 50 ms to go, 277 ms at the most
#   not autotuned: of 60 iterators that lived 0.2 s, 0 took more than 50 ms to go, 29 ms at the most
# Why it matters: Keras's `fit` on arrays makes and drops such an iterator for each epoch and each validation. Where an
#   epoch takes half a second, as on small data in a class, its end can take a quarter of a second more, and whatever
#   waits there for the next batch, such as a command to a training in the background, waits as long. Give `fit` a `tf.data.Dataset`
#   with the option off, or do not wait for the training thread.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile tensorflow-cpu==2.21.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import gc
import os
import sys
import threading
import time

import tensorflow as tf

LIVES, BATCHES, TIMES, LATE = 0.2, 100, 60, 0.05
gc.disable()  # which would end iterators at moments of its own
tf.config.threading.set_intra_op_parallelism_threads(1)
over = threading.Event()


def work():
    values = tf.random.normal((300, 300))
    while not over.is_set():
        tf.linalg.matmul(values, values)


def seconds(autotune):
    """How long an iterator takes to go after its last batch."""
    data = tf.data.Dataset.range(BATCHES).map(lambda i: i + 1, num_parallel_calls=tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.autotune.enabled = autotune
    iterator = iter(data.prefetch(tf.data.AUTOTUNE).with_options(options))
    for _ in iterator:
        time.sleep(LIVES / BATCHES)
    began = time.perf_counter()
    del iterator
    return time.perf_counter() - began


workers = [threading.Thread(target=work) for _ in range(os.cpu_count())]
for worker in workers:
    worker.start()
late = {}
for autotune in (True, False):
    taken = [seconds(autotune) for _ in range(TIMES)]
    late[autotune] = sum(value > LATE for value in taken)
    print(f"{'' if autotune else 'not '}autotuned: of {TIMES} iterators that lived {LIVES} s, {late[autotune]} took more "
          f"than {1e3 * LATE:.0f} ms to go, {1e3 * max(taken):.0f} ms at the most")
over.set()
for worker in workers:
    worker.join()
sys.exit(0 if late[True] > 3 and late[True] > 2 * late[False] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac
