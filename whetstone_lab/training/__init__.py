"""Whetstone in Keras: layers, sharpeners, reference nets, runs in the background."""
