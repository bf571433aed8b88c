"""The command ``whetstone-lab``: one module for each command."""
