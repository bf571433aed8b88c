"""What ``fit`` tells its callbacks, without the training: for all that hangs on the calls and on the losses alone.

On a net of a few units nearly all that a fit costs is what TensorFlow traces, a hundred times what a sharpener does.
"""

from __future__ import annotations

import keras


def rehearse(model, callbacks, epochs, losses=(1.0,), *, batches=10, **logs):
    """Calls the callbacks as a fit of so many epochs and batches does; ``losses`` are those of the epochs, the last one
    of all that follow, and ``logs`` what an epoch reports beside."""
    callbacks = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs, steps=batches, verbose=0)
    model.stop_training = False
    callbacks.on_train_begin()
    for epoch in range(epochs):
        loss = losses[min(epoch, len(losses) - 1)]
        callbacks.on_epoch_begin(epoch)
        for batch in range(batches):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, {"loss": loss})
        callbacks.on_epoch_end(epoch, {"loss": loss, **logs})
        if model.stop_training:
            break
    callbacks.on_train_end()
