"""Whetstone in Keras: layers, sharpeners, recipes."""
