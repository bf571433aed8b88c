"""Integrate-and-fire networks that run in NumPy: no Keras, no build step."""
