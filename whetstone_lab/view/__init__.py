"""What people see of runs and simulations. Nothing here loads Keras."""
