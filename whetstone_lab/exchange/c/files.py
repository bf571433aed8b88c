"""The text of the header and of the source."""

from __future__ import annotations

import math

from whetstone_lab.exchange.c.program import Program, number
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.readouts import Readout

_HEADER = """\
/* {network}, written by whetstone_lab.
 *
 * A wave of spikes through integrate-and-fire neurons: each fires, at most once, where what it receives reaches its
 * threshold. {flash} bytes of weights and thresholds, {ram} bytes of memory, at most {additions} additions: a weight
 * is read only where its input is not 0.{advice}
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_INPUTS {inputs} /* of shape {shape}, the last axis fastest */
#define {upper}_VOTES {votes}
#define {upper}_CLASSES {classes}
#define {upper}_NEURONS {neurons}

typedef {input_type} {name}_input;
typedef {vote_type} {name}_vote;

/* What a wave works in. Networks that do not run at the same time may use the same bytes. */
typedef struct {{
{members}
}} {name}_memory;

/* Shows an input to the network. The votes are {said}.
 * There is room for as many as {upper}_VOTES. */
void {name}_run(const {name}_input *input, {name}_vote *votes, {name}_memory *memory);
{decide}
#ifdef {upper}_TRACE
/* Yours to define: hears which neurons of a layer fired, zeros and ones. Layers are numbered as in the network. */
void {name}_trace(int layer, const uint8_t *fired, uint32_t count);
#endif

#ifdef __cplusplus
}}
#endif

#endif
"""

_DECIDE_HEADER = """
/* The class of a place with these {classes} votes: the most votes, the lowest class on a tie. */
int {name}_decide(const {name}_vote *votes);
"""

_SOURCE = """\
/* {network}, written by whetstone_lab; see {header}. */
#include <stddef.h>

#include "{header}"

#ifdef {upper}_TRACE
#define TRACE(layer, fired, count) {name}_trace(layer, fired, count)
#else
#define TRACE(layer, fired, count) ((void)0)
#endif

{tables}{kernels}
void {name}_run(const {name}_input *input, {name}_vote *votes, {name}_memory *memory)
{{
    size_t k;
{calls}
{votes}
}}
{decide}"""

_DECIDE_SOURCE = """
int {name}_decide(const {name}_vote *votes)
{{
    int k, best = 0;
    for (k = 1; k < {upper}_CLASSES; k++)
        if (votes[k] > votes[best])
            best = k;
    return best;
}}
"""

_KEY_VOTES = """\
    for (k = 0; k < {places} * {classes}; k++) {{
        const uint8_t *fired = {at} + k / {classes} * {width}, *key = class_key + k % {classes} * {width};
        int32_t alike = 0;
        size_t neuron;
        for (neuron = 0; neuron < {width}; neuron++)
            alike += fired[neuron] == key[neuron];
        votes[k] = 2 * alike - {width};
    }}"""

_ANSWER_VOTES = """\
    for (k = 0; k < {count}; k++) {{
        const {sums} beyond = {at}[k] - {limit};
        votes[2 * k] = -beyond;
        votes[2 * k + 1] = beyond;
    }}"""


def header(program: Program, name: str) -> str:
    """The header.

    Args:
        program: What the network does.
        name: What all public names begin with.
    """
    network, head = program.network, program.network.head
    memory = {**program.room, "place": max(program.scratch, 1)}
    types = {**program.types, "place": program.sums}
    classes = head.columns if head.decides else 0
    return _HEADER.format(
        network=_comment(network), name=name, upper=name.upper(), flash=f"{program.flash:,}", ram=f"{program.ram:,}",
        additions=f"{network.synapses:,}", neurons=network.neurons, shape=network.input_shape,
        advice="" if program.integers else "\n * Compile with -ffp-contract=off: fused multiply-adds round once less.",
        inputs=math.prod(network.input_shape), classes=classes,
        votes=math.prod(head.places) * head.columns if head.decides else math.prod(network.output_shape),
        input_type=program.types["input"], vote_type="int32_t" if head.key is not None else program.sums,
        members="\n".join(f"    {types[kind]} {kind}[{count}];" for kind, count in memory.items()),
        said=_said(head), decide=_DECIDE_HEADER.format(name=name, classes=classes) if head.decides else "")


def source(program: Program, name: str, header_name: str) -> str:
    """The source.

    Args:
        program: What the network does.
        name: What all public names begin with.
        header_name: Name of the header's file.
    """
    calls = []
    for step in program.steps:
        text = step.text.replace("$0", program.at(step.reads[0]))
        calls.append("    " + (text.replace("$out", program.at(step.writes)) if step.writes else text))
    return _SOURCE.format(
        network=_comment(program.network), name=name, upper=name.upper(), header=header_name,
        tables="\n".join(program.tables), kernels="".join(program.kernels.values()), calls="\n".join(calls),
        votes=_votes(program),
        decide=_DECIDE_SOURCE.format(name=name, upper=name.upper()) if program.network.head.decides else "")


def _comment(network: Network) -> str:
    """The network in a line that ends no comment."""
    return " ".join(repr(network).replace("*/", "* /").split())


def _votes(program: Program) -> str:
    """From the output to the votes, as the readout scores it."""
    network, head = program.network, program.network.head
    at, count = program.at(network.output), math.prod(network.output_shape)
    if head.key is not None:
        classes, width = head.key.shape
        return _KEY_VOTES.format(places=math.prod(head.places), classes=classes, width=width, at=at)
    if head.kind in ("logit", "sigmoid"):
        limit = number(network.dtype.type(head.threshold), program.sums)
        return _ANSWER_VOTES.format(count=count, sums=program.sums, at=at, limit=limit)
    return f"    for (k = 0; k < {count}; k++)\n        votes[k] = {at}[k];"


def _said(head: Readout) -> str:
    """What the votes are."""
    if head.key is not None:
        return "of each class: the output neurons that did as its key says, less those that did not"
    if head.kind in ("logit", "sigmoid"):
        return "of each output: those for no, and those for yes"
    return "the output" if head.kind != "spikes" else "the output spikes"
