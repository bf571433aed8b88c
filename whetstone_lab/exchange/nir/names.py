"""Names of nodes: which ones NIR's readers can take, and which ones a network can."""

from __future__ import annotations

import re
from collections.abc import Callable, Container

from whetstone_lab.simulator.network import INPUT

#: Names that snnTorch 1.0.0, Norse 1.1.0 or SpikingJelly 2.0.0 cannot give to a node. In all three a node becomes an
#: attribute of a PyTorch module, and these are there already (torch 2.13, nirtorch 2.6).
TAKEN = frozenset({
    "T_destination", "add_module", "add_submodule", "apply", "bfloat16", "buffers", "call_super_init", "children",
    "code", "compile", "cpu", "cuda", "delete_all_unused_submodules", "delete_submodule", "double", "dump_patches",
    "eval", "execution_order", "extra_repr", "float", "forward", "get_buffer", "get_execution_order",
    "get_extra_state", "get_parameter", "get_submodule", "graph", "half", "ipu", "load_state_dict", "modules",
    "mtia", "named_buffers", "named_children", "named_modules", "named_parameters", "parameters", "print_readable",
    "recompile", "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter", "register_state_dict_post_hook",
    "register_state_dict_pre_hook", "requires_grad_", "return_state", "self", "set_extra_state", "set_submodule",
    "share_memory", "state_dict", "stateful_modules", "to", "to_empty", "to_folder", "train", "training", "type",
    "xpu", "zero_grad",
})


def written_name(name: str, used: Container[str]) -> str:
    """The name in NIR of a node of ours: letters, digits and ``_``, and none that PyTorch modules have taken.

    Args:
        name: The name wanted.
        used: Names of the graph that are used already.
    """
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    if name.startswith("_"):  # PyTorch's private attributes
        name = f"node{name}"
    return _numbered(name, lambda name: name not in used and name not in TAKEN)


def read_name(name: str, used: Container[str]) -> str:
    """The name here of a node of NIR, or of what has to be put before one; ``"input"`` is the network's input.

    Args:
        name: The name wanted.
        used: Names that are used already, or that other nodes are to have.
    """
    return _numbered(name, lambda name: name not in used and name != INPUT)


def _numbered(name: str, is_free: Callable[[str], bool]) -> str:
    """The name, or the first of ``name_2``, ``name_3``, ... that is free."""
    base, number = name, 1
    while not is_free(name):
        number += 1
        name = f"{base}_{number}"
    return name
