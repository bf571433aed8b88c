"""A trained Keras model into a network of spiking neurons."""
