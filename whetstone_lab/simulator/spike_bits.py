"""``SpikeBits``: spikes as bits, 32 neurons in a word. A thirty-second of the memory that floats take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

#: Neurons in a word.
WORD = 32


@dataclass(frozen=True, eq=False)
class SpikeBits:
    """Spikes of shape ``(..., channels)`` as bits: bit ``c % 32`` of word ``c // 32`` says whether channel c fired.

    Attributes:
        words: Unsigned integers of 32 bits, shape ``(..., ceil(channels / 32))``. Bits past the last channel are 0.
        channels: Length of the last axis of the spikes.

    Example:
        >>> bits = SpikeBits.pack(np.array([[1.0, 0.0, 1.0]], np.float32))
        >>> bits.words.tolist(), bits.unpack(np.float32).tolist()
        ([[5]], [[1.0, 0.0, 1.0]])
    """

    words: np.ndarray
    channels: int

    @classmethod
    def pack(cls, spikes: np.ndarray) -> Self:
        """The bits of spikes, an array of zeros and others, or of booleans."""
        packed = np.packbits(spikes != 0, axis=-1, bitorder="little")
        octets = np.zeros((*packed.shape[:-1], -(-spikes.shape[-1] // WORD) * 4), np.uint8)
        octets[..., : packed.shape[-1]] = packed
        return cls(octets.view("<u4"), spikes.shape[-1])

    @property
    def octets(self) -> np.ndarray:
        """The same bits eight to an integer, shape ``(..., 4 ceil(channels / 32))``."""
        return self.words.view(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the spikes."""
        return *self.words.shape[:-1], self.channels

    def unpack(self, dtype: Any) -> np.ndarray:
        """The spikes as zeros and ones of a type."""
        spikes = np.unpackbits(self.octets, axis=-1, count=self.channels, bitorder="little")
        return spikes.view(bool) if np.dtype(dtype) == bool else spikes.astype(dtype)

    def reshape(self, *shape: int) -> Self:
        """The same spikes in another shape, which has no -1."""
        if shape[-1] == self.channels or (self.channels % WORD == 0 and shape[-1] % WORD == 0):
            return type(self)(self.words.reshape(*shape[:-1], -(-shape[-1] // WORD)), shape[-1])
        return self.pack(self.unpack(bool).reshape(shape))
