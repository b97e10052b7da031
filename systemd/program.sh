# shellcheck shell=bash
# The program of an installed hub: a virtual environment that /opt/stridehub is a link to. A new one is
# made beside the old one, in the other of two folders, and tried; then the link is changed in one
# step. What fails, or a power cut, leaves the old one. Sourced by install, after setup.sh.

PYTHON=/usr/bin/python3 # the system's: the only one that a service with ProtectHome can be sure of
PROGRAM=/opt/stridehub
FOLDERS=("$PROGRAM-a" "$PROGRAM-b")
COMMAND=/usr/local/bin/stridehub
SYSTEM_PACKAGES=/usr/lib/python3/dist-packages
CHECKOUT=$(dirname "$HERE")

previous= # what the link pointed to before
unfinished=()
trap 'rm -rf "${unfinished[@]}"' EXIT

in_folder() { [ "$(readlink "$PROGRAM")" = "$1" ]; }

free_folder() {
    if in_folder "${FOLDERS[0]}"; then echo "${FOLDERS[1]}"; else echo "${FOLDERS[0]}"; fi
}

python_is_new_enough() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "stridehub needs Python 3.11 or later; $PYTHON is $("$PYTHON" --version)"
}

# pip of the environment that is being made.
pip() {
    "$new/bin/python" -m pip --quiet --disable-pip-version-check --no-input --no-cache-dir "$@"
}

pip_install_locked() { pip install --require-hashes --requirement "$CHECKOUT/$1"; }

# WHEELS are as good as who made them.
pip_install_from_wheels() { pip install --no-index --find-links "$WHEELS" "$@"; }

# piwheels builds for 32 bits what PyPI has not, so there are no hashes to go by: versions only.
locked_versions() {
    sed -E '/^ *--hash/d; s/ *\\$//' "$CHECKOUT/requirements.lock"
}

libraries() {
    case $(dpkg --print-architecture) in # 32 bits may have a kernel of 64
    armhf) pip install --requirement <(locked_versions) ;;
    *) pip_install_locked requirements.lock ;;
    esac
}

build_tools() {
    if [ -n "${WHEELS:-}" ]; then
        pip_install_from_wheels setuptools cffi
    else
        pip_install_locked requirements-build.lock
    fi
}

ready_wheel() { find "${WHEELS:-/nowhere}" -maxdepth 1 -name 'stridehub-*.whl' 2>/dev/null | sort -V | tail -n 1; }

# From a copy: root leaves nothing in the checkout.
build_wheel() {
    local part
    say 'building stridehub'
    mkdir "$work/source"
    for part in pyproject.toml setup.py MANIFEST.in README.md LICENSE native hub; do
        cp -r "$CHECKOUT/$part" "$work/source/"
    done
    rm -rf "$work"/source/native/build "$work"/source/hub/*.egg-info
    find "$work/source" -name '*.so' -delete
    build_tools
    pip wheel --no-build-isolation --no-deps --wheel-dir "$work" "$work/source"
    pip uninstall --yes setuptools
}

built_wheel() { compgen -G "$work/stridehub-*.whl"; }

fill() {
    local wheel
    if [ -n "${WHEELS:-}" ]; then
        wheel=$(ready_wheel)
        if [ -z "$wheel" ]; then
            build_wheel
            wheel=$(built_wheel)
        fi
        pip_install_from_wheels "$wheel"
    else
        libraries
        build_wheel
        pip install --no-index --no-deps "$(built_wheel)"
    fi
}

# An environment that root's umask and the checkout's modes have no say in.
readable_by_all() { chmod -R u=rwX,go=rX "$new"; }

it_works() {
    "$new/bin/stridehub" --version
    [ ! -e "$SETTINGS" ] || "$new/bin/stridehub" check-config --config "$SETTINGS" >/dev/null ||
        fail "the new version does not take the settings in $SETTINGS; the old one goes on"
}

# In one step: there is one or the other at any time.
switch_to() {
    ln -sfn "$1" "$PROGRAM.next"
    mv -T "$PROGRAM.next" "$PROGRAM"
    ln -sfn "$PROGRAM/bin/stridehub" "$COMMAND"
}

# Whose folder is it?
no_other_program() {
    if [ -e "$PROGRAM" ] && [ ! -L "$PROGRAM" ]; then
        fail "$PROGRAM is of the Debian package stridehub, or somebody's own: remove it first"
    fi
}

program() {
    local new work
    python_is_new_enough
    new=$(free_folder)
    work=$(mktemp -d)
    unfinished=("$new" "$work")
    say "program: $new, with $("$PYTHON" --version)"
    rm -rf "$new"
    "$PYTHON" -m venv "$new"
    fill
    pins
    readable_by_all
    it_works
    previous=$(readlink "$PROGRAM" || true)
    sync --file-system "$new" # a link that outlives a power cut has something to point to
    switch_to "$new"
    unfinished=("$work") # the one of before is at work until the services start with the new one
}

# The services do not start with the new one.
back_to_previous() {
    local failed
    failed=$(readlink "$PROGRAM")
    switch_to "$previous"
    unfinished=("$failed")
}

remove_program() {
    rm -f "$PROGRAM" "$COMMAND"
    rm -rf "${FOLDERS[@]}"
}
