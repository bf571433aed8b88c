"""The rules of the method as pure functions and frozen data: no files, threads or Keras."""
