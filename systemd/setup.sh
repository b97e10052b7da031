# shellcheck shell=bash
# Everything of an installed hub but its program and its units: settings, broker, secrets. Sourced by
# install and uninstall beside it, and by the Debian package; needs `set -euo pipefail`.
#
# Each step may be taken again: it keeps what is there, and never touches settings or secrets.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

SETTINGS=/etc/stridehub/stridehub.toml
SECRET=/etc/stridehub/mqtt-password
BROKER=/etc/mosquitto
BROKER_CONF=$BROKER/conf.d/stridehub.conf
BROKER_SERVICE=/etc/systemd/system/mosquitto.service.d/stridehub.conf
LOGINS=$BROKER/stridehub.passwords
RULES=$BROKER/stridehub.acl
CERTS=$BROKER/certs
HOST=$(hostname)
HOST=${HOST%%.*}
PAGE_URL=wss://$HOST.local:9001

# Apple's devices take no certificate for longer, even of an authority of one's own.
CERTIFICATE_DAYS=825
AUTHORITY_DAYS=3650
RENEW_S=$((200 * 86400))

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'stridehub: %s\n' "$*" >&2
    exit 1
}

must_be_root() {
    [ "$(id -u)" = 0 ] || fail "$1 is for root: sudo $1"
}

# Not so in a chroot, in a container, while an image is made.
has_systemd() { [ -d /run/systemd/system ]; }

# SHARE is 1 or 0; left out, it stays as it is.
is_shared() {
    case ${SHARE:-} in
    1) true ;;
    0) false ;;
    '') grep -qs '^listener 8883' "$BROKER_CONF" ;;
    *) fail "SHARE=$SHARE is neither 1 nor 0" ;;
    esac
}

# ---- settings ----

settings_alone() { cat "$HERE/stridehub.toml"; }

settings_shared() {
    sed -e "s|^# page_url = .*|page_url = \"$PAGE_URL\"|" \
        -e 's|^listen = .*|listen = "0.0.0.0"  # everybody near can open the page|' "$HERE/stridehub.toml"
}

settings_wanted() {
    if is_shared; then settings_shared; else settings_alone; fi
}

# Those that nobody has changed yet follow SHARE.
settings_are_untouched() {
    cmp -s "$SETTINGS" <(settings_alone) || cmp -s "$SETTINGS" <(settings_shared)
}

write_settings() {
    settings_wanted >"$SETTINGS.new"
    chown root:stridehub "$SETTINGS.new"
    chmod 640 "$SETTINGS.new"
    mv "$SETTINGS.new" "$SETTINGS"
}

settings() {
    if [ ! -e "$SETTINGS" ]; then
        say "settings: $SETTINGS"
        write_settings
    elif cmp -s "$SETTINGS" <(settings_wanted); then
        say "settings: $SETTINGS stays"
    elif settings_are_untouched; then
        say "settings: $SETTINGS, nobody had changed it"
        write_settings
    else
        say "settings: $SETTINGS stays, it is yours"
        tell_of_sharing
    fi
}

tell_of_sharing() {
    if is_shared; then
        ! grep -qF "page_url = \"$PAGE_URL\"" "$SETTINGS" || return 0
        printf '    to let others see the page, put into it:\n'
        printf '    [mqtt]      page_url = "%s"\n' "$PAGE_URL"
        printf '    [dashboard] listen = "0.0.0.0"\n'
    elif grep -qE '^(page_url = "wss:|listen = "0\.0\.0\.0")' "$SETTINGS"; then
        printf '    the page is still for others: take page_url out of it, and listen of [dashboard]\n'
    fi
}

# ---- who may come in ----

new_password() { od -An -N10 -tx1 /dev/urandom | tr -d ' \n'; }

has_login() { grep -qs "^$1:" "$LOGINS"; }

# The password goes over a file: a command line can be read by everybody.
set_login() {
    local user=$1 password=$2 part
    part=$(mktemp "$BROKER/.stridehub.XXXXXX")
    printf '%s:%s\n' "$user" "$password" >"$part"
    mosquitto_passwd -U "$part"
    if [ -e "$LOGINS" ]; then grep -v "^$user:" "$LOGINS" >>"$part" || true; fi
    chown mosquitto:mosquitto "$part"
    chmod 600 "$part"
    mv "$part" "$LOGINS"
}

# A secret that is there already stays: it may be that of a club's broker.
hub_login() {
    if [ ! -s "$SECRET" ]; then
        say "the hub's password at its broker: $SECRET"
        (umask 077 && new_password >"$SECRET.new")
        chown stridehub:stridehub "$SECRET.new"
        mv "$SECRET.new" "$SECRET"
    elif has_login hub; then
        return
    fi
    set_login hub "$(head -n 1 "$SECRET")"
}

coach_login() {
    local password
    has_login coach && return
    password=$(new_password)
    set_login coach "$password"
    say 'the login of coaches, shown this once: write it down'
    printf '    user      coach\n    password  %s\n' "$password"
}

# ---- certificates, where others are let in ----

# Who steals the authority's key can stand in for this hub, and for no other site.
authority_extensions() {
    cat <<END
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, @only
[only]
permitted;DNS.0 = $HOST
permitted;DNS.1 = localhost
permitted;DNS.2 = $HOST.local
permitted;IP.0 = 10.0.0.0/255.0.0.0
permitted;IP.1 = 172.16.0.0/255.240.0.0
permitted;IP.2 = 192.168.0.0/255.255.0.0
permitted;IP.3 = 169.254.0.0/255.255.0.0
permitted;IP.4 = 127.0.0.0/255.0.0.0
END
}

private_addresses() {
    hostname -I 2>/dev/null | tr ' ' '\n' |
        grep -E '^(10|192\.168|169\.254|172\.(1[6-9]|2[0-9]|3[01]))\.[0-9.]+$' || true
}

broker_extensions() {
    local names="DNS:$HOST,DNS:$HOST.local,DNS:localhost,IP:127.0.0.1" address
    for address in $(private_addresses); do names+=",IP:$address"; done
    printf '%s\n' "subjectAltName = $names" 'basicConstraints = critical, CA:FALSE' \
        'keyUsage = critical, digitalSignature' 'extendedKeyUsage = serverAuth'
}

has_good_certificate() {
    openssl verify -CAfile "$CERTS/stridehub-ca.crt" -verify_hostname "$HOST.local" \
        "$CERTS/stridehub.crt" >/dev/null 2>&1 &&
        openssl x509 -in "$CERTS/stridehub.crt" -noout -checkend "$RENEW_S" >/dev/null
}

has_good_authority() {
    [ -s "$CERTS/stridehub-ca.key" ] &&
        openssl x509 -in "$CERTS/stridehub-ca.crt" -noout -checkend "$((CERTIFICATE_DAYS * 86400))" \
            >/dev/null 2>&1 &&
        openssl x509 -in "$CERTS/stridehub-ca.crt" -noout -ext nameConstraints | grep -q "DNS:$HOST.local$"
}

new_authority() {
    say "an authority of this hub's own: $CERTS/stridehub-ca.crt, to be trusted by tablets of coaches"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days "$AUTHORITY_DAYS" \
        -subj "/CN=stridehub on $HOST" -config <(authority_extensions) \
        -keyout "$CERTS/stridehub-ca.key" -out "$CERTS/stridehub-ca.crt" 2>/dev/null
    chmod 600 "$CERTS/stridehub-ca.key"
    chmod 644 "$CERTS/stridehub-ca.crt"
}

new_certificate() {
    local request
    say "the broker's certificate, for $HOST.local: $CERTS/stridehub.crt"
    request=$(mktemp)
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=$HOST.local" \
        -keyout "$CERTS/stridehub.key" -out "$request" 2>/dev/null
    openssl x509 -req -in "$request" -days "$CERTIFICATE_DAYS" -set_serial "0x$(openssl rand -hex 16)" \
        -CA "$CERTS/stridehub-ca.crt" -CAkey "$CERTS/stridehub-ca.key" \
        -extfile <(broker_extensions) -out "$CERTS/stridehub.crt" 2>/dev/null
    rm "$request"
    chown mosquitto:mosquitto "$CERTS/stridehub.key"
    chmod 600 "$CERTS/stridehub.key"
    chmod 644 "$CERTS/stridehub.crt"
}

certificates() {
    mkdir -p "$CERTS"
    has_good_authority || new_authority
    has_good_certificate || (umask 077 && new_certificate)
}

# ---- the broker ----

# A club's broker has files of the same names, see docs/MQTT.md.
has_other_broker() {
    [ -e "$BROKER_CONF" ] && ! grep -q '^# The broker of an installed hub' "$BROKER_CONF"
}

no_other_broker() {
    ! has_other_broker || fail "$BROKER_CONF is not of an installed hub: give it another name first"
}

broker_rules() {
    [ -e "$RULES" ] || install -m 600 -o mosquitto -g mosquitto "$HERE/mosquitto/hub.acl" "$RULES"
}

broker_settings() {
    local listeners=hub-alone.conf
    if is_shared; then listeners=hub-shared.conf; fi
    cat "$HERE/mosquitto/hub.conf" "$HERE/mosquitto/$listeners" >"$BROKER_CONF.new"
    mv "$BROKER_CONF.new" "$BROKER_CONF"
    install -D -m 644 "$HERE/mosquitto/service.conf" "$BROKER_SERVICE"
}

broker() {
    if is_shared; then
        say "broker: mosquitto, for everybody near who has a password, with TLS: ports 8883 and 9001"
        certificates
    else
        say 'broker: mosquitto, for this machine only: ports 1883 and 9001'
    fi
    broker_rules
    hub_login
    coach_login
    broker_settings
}

# Hub and page connect again by themselves.
restart_broker() {
    has_systemd || return 0
    systemctl daemon-reload
    if ! systemctl is-enabled --quiet mosquitto; then
        say 'mosquitto is switched off, and stays so'
        return
    fi
    systemctl restart mosquitto ||
        say 'mosquitto does not start: `journalctl -u mosquitto` says why; the hub goes on without it'
}

forget_broker() {
    ! has_other_broker || return 0
    rm -f "$BROKER_CONF" "$BROKER_SERVICE"
    rmdir --ignore-fail-on-non-empty "$(dirname "$BROKER_SERVICE")" 2>/dev/null || true
    has_systemd || return 0
    systemctl daemon-reload
    systemctl try-restart mosquitto || true
}

# ---- the end ----

# Data, settings and secrets, and the user they belong to.
purge() {
    say 'removing /var/lib/stridehub, /etc/stridehub, and logins and certificates of the broker'
    rm -rf /var/lib/stridehub /etc/stridehub
    has_other_broker || rm -f "$LOGINS" "$RULES" "$CERTS"/stridehub{,-ca}.{crt,key}
    if getent passwd stridehub >/dev/null; then userdel stridehub; fi
}
