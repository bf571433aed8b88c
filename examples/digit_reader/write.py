"""Writes the network of the digit reader as C in whole numbers, or a test picture as the reader takes it."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from whetstone_lab import Network, as_integers, datasets, to_c, whole_inputs
from whetstone_lab.simulator import predict

SHADES = "0123456789abcdefg"


def main() -> None:
    """Does what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", type=Path, help="a network for the digits, as of whetstone-lab demo")
    parser.add_argument("-o", "--out", type=Path, default=Path("net.c"), help="default: net.c")
    parser.add_argument("--bits", type=int, default=8, help="of a weight (default: 8)")
    parser.add_argument("--picture", type=int, metavar="N", help="only print the Nth test picture")
    args = parser.parse_args()
    if (args.network is None) == (args.picture is None):
        parser.error("expected either a network or --picture N")
    if args.picture is not None:
        print("\n".join("".join(SHADES[int(shade)] for shade in row)
                        for row in np.rint(datasets.load_digits().x_test[args.picture].reshape(8, 8) * 16)))
        return
    network = Network.load(args.network)
    split = datasets.Split.of(network.meta)
    data = datasets.load_digits(**(split.options if split is not None else {}))
    whole = as_integers(network, args.bits, step=1 / 16, largest=16)
    before, after = (float((predict(each, x) == data.y_test).mean()) for each, x in (
        (network, data.x_test.reshape(-1, *network.input_shape)),
        (whole, whole_inputs(whole, data.x_test.reshape(-1, *network.input_shape)))))
    print(to_c(whole, args.out))
    print(f"Accuracy on {len(data.y_test)} test pictures: {after:.4f}, with the weights as they were {before:.4f}")


if __name__ == "__main__":
    main()
