"""The published sharpening rules, written anew as loops over lists, for tests to hold the policies against."""

from hypothesis import strategies as st

PARAMETERS = st.fixed_dictionaries({
    "min_init_epochs": st.integers(1, 4), "rate": st.floats(0.05, 1), "cz_rate": st.floats(0.05, 1),
    "critical": st.floats(0, 1), "first_layer_relative_rate": st.floats(0.3, 3), "patience": st.integers(0, 3),
    "sig_increase": st.floats(0.01, 0.5), "sig_decrease": st.floats(0.01, 0.5), "bottom_up": st.booleans()})


class PublishedAdaptiveRule:
    """The adaptive rule, written from its description alone: "The method, exactly" in the design."""

    def __init__(self, layers, batches, min_init_epochs, rate, cz_rate, critical, first_layer_relative_rate, patience,
                 sig_increase, sig_decrease, bottom_up):
        self.__dict__.update({name: value for name, value in locals().items() if name not in ("self", "layers")})
        self.sharpness = [0.0] * layers
        self.reference = None
        self.counter = 0
        self.sharpening = False
        self.paused = False  # a layer has reached 1, which ends sharpening for the rest of the epoch
        self.epoch = 0

    def batch_ended(self):
        if not self.sharpening or self.paused:
            return
        if self.bottom_up:
            unfinished = [i for i in range(len(self.sharpness)) if self.sharpness[i] != 1]
            if not unfinished:
                return
            i = unfinished[0]
            step = self.cz_rate if self.sharpness[i] >= self.critical else self.rate
            if i == 0:
                step *= self.first_layer_relative_rate
            self.sharpness[i] += step / self.batches
            if self.sharpness[i] >= 1 - 0.001:
                self.sharpness[i] = 1
                self.paused = True
        else:
            step = (self.cz_rate if self.sharpness[0] >= self.critical else self.rate) / self.batches
            self.sharpness = [1 if s + step >= 1 - 1e-6 else s + step for s in self.sharpness]

    def epoch_ended(self, loss):
        self.paused = False
        if self.epoch < self.min_init_epochs - 1:
            self.reference = loss
        else:
            # Without a reference yet, any loss is an improvement.
            change = -1e9 if self.reference is None else (loss - self.reference) / self.reference
            if change <= -self.sig_decrease:
                self.reference, self.counter = loss, 0
            else:
                self.counter += 1
            if self.sharpening and change >= self.sig_increase:
                self.sharpening, self.reference, self.counter = False, loss, 0
            elif not self.sharpening and self.counter > self.patience:
                self.sharpening, self.reference, self.counter = True, loss, 0
        self.epoch += 1


class PublishedSimpleRule:
    """The original's simple sharpener, from its description alone: a level of the whole model that is filled in."""

    def __init__(self, layers, start_epoch, steps, bottom_up):
        self.layers, self.start_epoch, self.bottom_up = layers, start_epoch, bottom_up
        self.increment = 1 / (steps * layers) if bottom_up else 1 / steps
        self.level, self.epoch = 0.0, 0
        self.sharpness = [0.0] * layers

    def epoch_ended(self):
        if self.epoch >= self.start_epoch:
            self.level += self.increment
            if self.level > 1 - 1e-9:
                self.level = 1.0
            left = self.level * self.layers
            for i in range(self.layers):
                self.sharpness[i] = max(0.0, min(left, 1.0)) if self.bottom_up else self.level
                left -= 1.0
        self.epoch += 1
