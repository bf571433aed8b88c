"""Where weights are applied spike by spike.

A matrix product multiplies every input, zeros too. Where few inputs are other than zero, it is faster to take these
alone and add up their weights: then the work grows with the spikes, not with the synapses. Which way is taken depends
on the inputs alone; ``benchmarks/simulator.py`` shows where the two ways cross.
"""

#: A layer with fewer products for a sample always takes the matrix product. That needs some ten microseconds, so there
#: is little to win.
MIN_PRODUCTS = 1 << 18

#: A single sample is applied spike by spike where the share of its inputs that are other than zero is below this. A
#: matrix product over n samples reads the weights once for all of them, so there the share must be smaller by sqrt(n).
MAX_ACTIVE = 0.2
