#!/usr/bin/env bash
# Installs the simulators that .ci/run has no time for, each in an environment of its own, and runs our tests of it:
# every spike of our files and scripts in the real tool.
#
#     bash benchmarks/peers.sh [TOOL...]     all, or some of: brian2 lava nest nengo neurobench sanafe sinabs spyx
#
# It needs PyPI, a Python that the package runs on (PYTHON, by default python3), and for Lava one of 3.10 or older
# (LAVA_BASE, by default python3.10; without one Lava is left out). It leaves nothing behind. On two idle cores each
# takes a minute or two, most of it for downloads; those with PyTorch (neurobench, sinabs) want its CPU build and some
# 2 GB of disk.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} old=${LAVA_BASE:-python3.10}
[ $# -gt 0 ] || set -- brian2 lava nengo nest neurobench sanafe sinabs spyx
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 OMP_NUM_THREADS=1

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
    printf '%-11s%s; installed in %d s, tested in %d s; %s\n' "$name" "$(tail -n 1 <<<"$said")" "$installed" \
        $((SECONDS - start - installed)) "$("$scratch/$name/bin/pip" freeze | grep -iE "$wanted" | paste -sd ' ')"
    rm -rf "${scratch:?}/$name"
}

wanted='^(brian2|lava-nc|nengo|nest-simulator|neurobench|nir|nirtorch|numpy|sanafe|sinabs|spyx|torch)=='
simulators=tests/exchange/test_simulators.py readers=tests/exchange/test_nir_readers.py failed=0
for tool in "$@"; do
    case $tool in
    # Of Brian2, Python 3.11 gets a version that does not import with NumPy 2.4.
    brian2) asked brian2 "brian2 $("$python" -c 'import sys; print("numpy<2.4" * (sys.version_info < (3, 12)))')" \
        $simulators -k brian2 ;;
    nengo | sanafe) asked "$tool" "$tool" $simulators -k "$tool" ;;
    nest) asked nest nest-simulator $simulators -k nest ;;
    neurobench) asked neurobench "neurobench torch" tests/simulator/test_neurobench_peers.py ;;
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
    *) echo "Expected one of brian2, lava, nengo, nest, neurobench, sanafe, sinabs, spyx; got $tool." >&2; exit 2 ;;
    esac
done
exit $failed
