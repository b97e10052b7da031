# shellcheck shell=bash
# The library for motors at the hub's own pins, in the environment that program.sh is making:
# rpi-lgpio, on top of lgpio 0.2.2 or later. Never RPi.GPIO: it has the same files. Sourced after
# setup.sh.

# A Raspberry Pi, or whatever else has pins.
has_pins() {
    [[ $(uname -m) =~ ^(arm|aarch64) ]] || compgen -G '/dev/gpiochip*' >/dev/null
}

# lgpio makes a pipe where it is imported.
lgpio_works() {
    (cd "$work" && LG_WD=$work "$new/bin/python" -c '
import sys, lgpio
sys.exit(lgpio.LGPIO_PY_VERSION < 0x00020200)') 2>/dev/null
}

# One requirement of the lock, with its hashes.
locked() { awk -v name="$1==" 'index($0, name) == 1 {on = 1} on {print} on && !/\\$/ {exit}' "$2"; }

pip_gpio() {
    if [ -n "${WHEELS:-}" ]; then
        pip install --no-index --find-links "$WHEELS" --no-deps "$1"
    else
        pip install --no-deps --require-hashes \
            --requirement <(locked "$1" "$CHECKOUT/requirements-gpio.lock")
    fi
}

# PyPI has it built for Python up to 3.12.
built_lgpio() { PIP_ONLY_BINARY=lgpio pip_gpio lgpio >/dev/null 2>&1 && lgpio_works; }

site_packages() {
    "$new/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))'
}

link_lgpio() { ln -sf "$SYSTEM_PACKAGES"/lgpio.py "$SYSTEM_PACKAGES"/_lgpio*.so "$(site_packages)/"; }

unlink_lgpio() { rm -f "$(site_packages)"/{lgpio.py,_lgpio*.so}; }

install_system_lgpio() {
    [ -z "${WHEELS:-}" ] || return 1
    apt-cache show python3-lgpio >/dev/null 2>&1 || return 1
    say 'pins: installing python3-lgpio'
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends --no-remove \
        python3-lgpio >/dev/null
}

# Of all that the system has for Python these two files alone are let in. With --system-site-packages
# pip would take whatever is there, of any version, for what stridehub asks for.
system_lgpio() {
    [ -e "$SYSTEM_PACKAGES/lgpio.py" ] || install_system_lgpio || return 1
    link_lgpio
    say "pins: the system's lgpio"
    lgpio_works || { unlink_lgpio && return 1; }
}

own_lgpio() {
    command -v swig >/dev/null && [ -e /usr/include/lgpio.h ] || return 1
    say 'pins: building lgpio'
    pip_gpio lgpio && lgpio_works
}

pins() {
    has_pins || return 0
    if { lgpio_works || built_lgpio || system_lgpio || own_lgpio; } && pip_gpio rpi-lgpio; then
        say 'pins: rpi-lgpio'
    else
        say 'pins: no lgpio for this Python. Pods buzz all the same; for motors at this hub'
        printf '    apt install python3-lgpio, or swig and liblgpio-dev, then install again\n'
    fi
}
