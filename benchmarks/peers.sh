#!/usr/bin/env bash
# Installs the simulators and runtimes that .ci/run has no time for, each in an environment of its own, and runs our
# tests of it: every spike of our files and scripts, and of Keras's own exports, in the real tool.
#
#     bash benchmarks/peers.sh [TOOL...]     all, or some of: brian2 keras keras_torch lava nengo nest neurobench openvino
#                                            rockpool sanafe sinabs spyx
#     TIMES=1 bash benchmarks/peers.sh ...   and then times them beside our simulator (benchmarks/targets.py)
#
# It needs PyPI, a Python that the package runs on (PYTHON, by default python3), and for Lava one of 3.10 or older
# (LAVA_BASE, by default python3.10; without one Lava is left out). It leaves nothing behind. Those with PyTorch
# (keras_torch, neurobench, sinabs) want its CPU build and some 2 GB of disk. On two cores, the one half busy, all took
# 15 minutes with TIMES=1: each 11 to 93 s to install and 4 to 68 s to test.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} old=${LAVA_BASE:-python3.10}
all="brian2 keras keras_torch lava nengo nest neurobench openvino rockpool sanafe sinabs spyx"
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 OMP_NUM_THREADS=1
export TF_CPP_MIN_LOG_LEVEL=3

# Makes an environment of that name with these packages and what the tests need, and runs pytest there.
#     asked NAME "PACKAGES" TESTS...
asked() {
    local name=$1 packages=$2 start=$SECONDS said
    "$python" -m venv "$scratch/$name" &&
        # shellcheck disable=SC2086
        "$scratch/$name/bin/pip" install --no-compile -c .ci/peers.txt $packages hypothesis pytest pytest-timeout ||
        { echo "$name: could not be installed"; failed=1; return; }
    local installed=$((SECONDS - start))
    # Nengo brings a plugin that pytest 9 does not start with.
    said=$("$scratch/$name/bin/python" -m pytest -q -p no:cacheprovider -p no:nengo -o addopts= "${@:3}" 2>&1) ||
        { printf '%s\n' "$said"; failed=1; }
    printf '%-12s%s; installed in %d s, tested in %d s; %s\n' "$name" "$(tail -n 1 <<<"$said")" "$installed" \
        $((SECONDS - start - installed)) "$("$scratch/$name/bin/pip" freeze | grep -iE "$wanted" | paste -sd ' ')"
    if [ -n "${TIMES:-}" ]; then
        "$scratch/$name/bin/python" benchmarks/targets.py | grep '^|' || failed=1
    fi
    rm -rf "${scratch:?}/$name"
}

wanted='^(ai-edge-litert|brian2|keras|lava-nc|nengo|nest-simulator|neurobench|nir|nirtorch|numpy|onnx|onnxruntime|openvino'
wanted+='|rockpool|sanafe|sinabs|spyx|tensorflow-cpu|tf2onnx|torch)=='
simulators=tests/exchange/test_simulators.py readers=tests/exchange/test_nir_readers.py failed=0
exports=tests/training/test_exported_steps.py
for tool in "$@"; do
    case $tool in
    # Of Brian2, Python 3.11 gets a version that does not import with NumPy 2.4.
    brian2) asked brian2 "brian2 $("$python" -c 'import sys; print("numpy<2.4" * (sys.version_info < (3, 12)))')" \
        $simulators -k brian2 ;;
    # To write for OpenVINO, Keras needs SciPy.
    keras) asked keras "keras tensorflow-cpu ai-edge-litert tf2onnx onnxruntime openvino scipy rich" $exports ;;
    keras_torch) KERAS_BACKEND=torch asked keras_torch "keras torch onnx onnxscript onnxruntime rich" $exports ;;
    nengo | rockpool | sanafe) asked "$tool" "$tool numpy" $simulators -k "$tool" ;;
    nest) asked nest nest-simulator $simulators -k nest ;;
    neurobench) asked neurobench "neurobench torch" tests/simulator/test_neurobench_peers.py ;;
    openvino) asked openvino "openvino onnx nir" tests/exchange/test_openvino.py ;;
    sinabs) asked sinabs "sinabs nir==1.0.4 nirtorch==2.0.2 torch" $readers -k sinabs_has ;;
    spyx) asked spyx "spyx nir h5py" $readers -k spyx_has ;;
    lava)
        if ! command -v "$old" >/dev/null; then
            echo "lava: left out, as there is no $old (LAVA_BASE)"
        elif "$old" -m venv "$scratch/old" && "$scratch/old/bin/pip" install --no-compile lava-nc; then
            LAVA_PYTHON=$scratch/old/bin/python asked lava numpy $simulators -k lava
        else
            echo "lava: could not be installed"
            failed=1
        fi ;;
    *) echo "Expected one of ${all// /, }; got $tool." >&2; exit 2 ;;
    esac
done
exit $failed
