"""The laboratory: experiments that are set up, run, kept and compared on one page. Keras is loaded by a run alone."""
