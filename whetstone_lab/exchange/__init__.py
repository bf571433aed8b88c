"""A network to and from other formats: one module a target, found by the suffix of a file (see ``targets``)."""
