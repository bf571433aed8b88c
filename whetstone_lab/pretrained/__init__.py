"""A network with ReLUs, trained or not, into one with spiking layers that begins where the other stands."""
