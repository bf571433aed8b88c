"""Environments of Gymnasium's interface: what a network can act in, checked, and episodes that it plays."""
