"""Live views in Jupyter. They read a ``Trace`` or a ``SpikeRecord`` and never load Keras."""
