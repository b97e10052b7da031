# shellcheck shell=bash
# User, folders and services of a hub that was installed from a checkout. Sourced after setup.sh.

UNITS=(stridehub.service stridehub-dashboard.service stridehub-tidy.service stridehub-tidy.timer)
SERVICES=(stridehub.service stridehub-dashboard.service)
ENABLED=("${SERVICES[@]}" stridehub-tidy.timer)
UNIT_FOLDER=/etc/systemd/system
SYSUSERS=/etc/sysusers.d/stridehub.conf
TMPFILES=/etc/tmpfiles.d/stridehub.conf
UDEV_RULES=/etc/udev/rules.d/60-stridehub.rules

is_first_time=true
[ ! -e "$UNIT_FOLDER/stridehub.service" ] || is_first_time=false

accounts() {
    say 'user stridehub, in groups bluetooth and gpio'
    install -D -m 644 "$HERE/stridehub.sysusers" "$SYSUSERS"
    systemd-sysusers "$SYSUSERS"
    install -D -m 644 "$HERE/stridehub.tmpfiles" "$TMPFILES"
    systemd-tmpfiles --create "$TMPFILES"
    install -D -m 644 "$HERE/60-stridehub.rules" "$UDEV_RULES"
    if has_systemd; then
        udevadm control --reload
        udevadm trigger --subsystem-match=gpio
    fi
}

units() {
    say "services: ${ENABLED[*]}"
    install -D -m 644 -t "$UNIT_FOLDER" "${UNITS[@]/#/$HERE/}"
    # An upgrade does not switch on again what was switched off.
    ! $is_first_time || systemctl enable --quiet "${ENABLED[@]}"
}

restart_services() {
    local unit
    for unit in "${ENABLED[@]}"; do
        systemctl is-enabled --quiet "$unit" || continue
        systemctl restart "$unit" && continue
        say "$unit does not start: \`journalctl -u $unit\` says why"
        return 1
    done
}

start() {
    if ! has_systemd; then
        say 'no systemd is running here: everything starts with the machine'
        unfinished+=(${previous:+"$previous"})
        return
    fi
    restart_broker
    if restart_services; then
        unfinished+=(${previous:+"$previous"})
        say 'done: `sudo stridehub doctor` looks at it all, `systemctl status stridehub` at the hub'
        return
    fi
    [ -n "$previous" ] || exit 1
    back_to_previous
    restart_services || true
    fail 'the upgrade failed; the program of before is back'
}

remove_units() {
    local unit
    for unit in "${ENABLED[@]}"; do
        [ -e "$UNIT_FOLDER/$unit" ] || continue
        systemctl disable --quiet "$unit"
        ! has_systemd || systemctl stop "$unit"
    done
    rm -f "${UNITS[@]/#/$UNIT_FOLDER/}" "$SYSUSERS" "$TMPFILES" "$UDEV_RULES"
    rm -rf /run/stridehub
}
