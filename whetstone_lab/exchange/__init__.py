"""A network to and from other formats."""
