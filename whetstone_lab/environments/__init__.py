"""Environments of Gymnasium's interface: what a network can act in, checked, episodes that it plays, and a pole."""

from whetstone_lab.environments.cart_pole import CartPole

__all__ = ["CartPole"]
