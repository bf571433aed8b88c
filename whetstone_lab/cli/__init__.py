"""The command ``whetstone-lab``: one module for each of its commands.

A command is a module with ``add``, which declares its arguments, and ``run``, which does it. What needs more than the
standard library is imported when the command runs, so that ``whetstone-lab --help`` answers at once. To add a command,
add its file, and its name in ``main.COMMANDS``.
"""
