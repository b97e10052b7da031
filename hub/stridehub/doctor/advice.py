"""All that doctor tells people to do. docs/TROUBLESHOOTING.md has each, by subject."""

import re
import shlex
from enum import StrEnum

from stridehub.pods.backoff import Failure


class Advice(StrEnum):
    """USER, GROUP, FOLDER, FILE, UNIT and HUB stand for what they are named in each case."""

    def of(self, **names: object) -> str:
        """To be typed as it stands there; such as of(UNIT="stridehub.service")."""
        told = self.value
        for name, meant in names.items():
            told = re.sub(rf"\b{name}\b", shlex.quote(str(meant)).replace("\\", r"\\"), told)
        return told

    # any subject
    LOOK_BY_HAND = "look again; if it stays so, `journalctl -b -p warning` may tell why"

    # bluetooth
    PLUG_IN = (
        "plug a Bluetooth adapter in; on a Raspberry Pi take `dtoverlay=disable-bt` out of"
        " /boot/firmware/config.txt, and restart"
    )
    PLUG_BACK = "plug it in again, or provision its pods anew with another adapter"
    ADD_ADAPTER = Failure.NO_SLOT.value.advice
    START_BLUETOOTHD = (
        "`sudo systemctl enable --now bluetooth`; if there is no such service, `sudo apt install"
        " bluez`"
    )
    RESTART_BLUETOOTHD = "`sudo systemctl restart bluetooth`; if that does not help, restart"
    ASK_AS_ROOT = "look again with `sudo stridehub doctor`"
    POWER_ON = "`sudo rfkill unblock bluetooth`, then `bluetoothctl power on`"
    SWITCH_ON = "a switch or key of this machine turns Bluetooth off: turn it on there"
    UPDATE_BLUEZ = "update the system; Debian 12 and newer have a BlueZ that works"
    CLOSE_RIVAL = "close it while the hub runs: two scans at once fail"

    # access
    USE_SUDO = "`sudo stridehub doctor` looks at the hub that is a service, and at its settings"
    INSTALL_AGAIN = "`sudo make install` makes user and groups again"
    JOIN_GROUP = "`sudo usermod -aG GROUP USER`; then log in again, or restart the hub"
    MAKE_STATE = "`sudo install -d -m 700 -o USER FOLDER`"
    OWN_STATE = "`sudo chown -R USER FOLDER`, and `sudo chmod 700 FOLDER`"
    HIDE_STATE = "`sudo chmod 700 FOLDER`: how runners move is nobody else's business"
    SHOW_SETTINGS = "`sudo chown root:stridehub FILE`, and `sudo chmod 640 FILE`"
    HIDE_SECRET = "`sudo chmod 600 FILE`; if strangers use this machine, change the password, too"
    SHOW_SECRET = "`sudo chown USER FILE`, and `sudo chmod 600 FILE`"
    WRITE_SECRET = "write it: the password in one line, as docs/MQTT.md says"

    # motors
    INSTALL_GPIO = "install rpi-lgpio, as docs/HAPTICS.md says for this Python"
    ONE_GPIO = (
        "both install the same files: remove both, then install rpi-lgpio alone, as docs/HAPTICS.md"
        " says"
    )
    NOT_CLASSIC = "remove it, then install rpi-lgpio, as docs/HAPTICS.md says"
    UPDATE_LGPIO = "`pip install 'lgpio>=0.2.2'`, or take the system's: `apt install python3-lgpio`"
    NO_GPIOCHIP = "on a machine without pins take [haptics.gpio] out of the settings"
    ALLOW_GPIO = "`sudo usermod -aG gpio USER`; then log in again, or restart the hub"
    FREE_PIN = "end that program, or take another pin in [haptics.gpio]"
    SET_LG_WD = "set LG_WD to a folder that the hub may write to, such as /run/stridehub"
    BE_STRICT = (
        "put `dtparam=strict_gpiod` into /boot/firmware/config.txt, and restart: then a motor ends"
        " with its program"
    )

    # broker
    INSTALL_BROKER = "`sudo apt install mosquitto`"
    FREE_PORT = (
        "`sudo ss -ltnp` tells who listens there; if it is a broker to be used, name it: host in"
        " [mqtt]"
    )
    START_BROKER = (
        "is it up (`systemctl status mosquitto`), are host and port in [mqtt] right, and is there"
        " a network?"
    )
    MEND_MQTT = "mend [mqtt] in the settings, or the file that it names"
    TRUST_BROKER = (
        "host in [mqtt] has to be as in the broker's certificate, and ca_file that of its authority"
    )
    LOG_IN = "set user and password_file in [mqtt] as the broker has them, see docs/MQTT.md"
    GRANT = (
        "let the hub's user write stridehub/1/HUB/# and read stridehub/1/HUB/cmd/# in the broker's"
        " acl_file, see docs/MQTT.md"
    )
    ENCRYPT = "set tls = true in [mqtt], and let the broker listen with TLS, see docs/MQTT.md"
    RENEW = "renew the broker's certificate before that day"

    # clock
    SET_CLOCK = (
        "let the hub onto a network once before the session, such as a phone's hotspot: it sets"
        " the clock by itself; an RTC module keeps it"
    )
    SET_RTC = "`sudo hwclock -w` while the clock is right; if it is lost again, change its battery"

    # storage
    MAKE_ROOM = "delete what is not the hub's, lower keep_raw_mb in [record], or take a larger card"
    RESTART = "copy the state folder, then restart: if it comes again, replace the card"
    KEEP_STATE = "set state_dir to a folder on the card, or turn the overlay off (raspi-config)"
    USE_EXT4 = "set state_dir to a folder on ext4: others forget who owns a file, or break"
    USE_BARRIERS = "take the option out of /etc/fstab: a power cut may cost the whole file"
    REPLACE_CARD = "copy the state folder, and replace the card soon"
    LET_MEND = "start the hub: it moves the file aside, and saves what can be read"

    # power
    BETTER_SUPPLY = (
        "take the supply made for this Pi, or a power bank that holds its current, and a short"
        " thick cable"
    )
    COOL = "give it air and shade"

    # versions
    UPDATE = "install again: `sudo make install`, or `pip install --upgrade stridehub`"

    # pods
    PROVISION = "`stridehub provision` makes one yours"
    PROVISION_SHANK = "`stridehub provision` gives it one: strides are seen by the shanks"
    MEASURE = "set height_m, or leg_length_left_m and leg_length_right_m, in [[runners]]"
    MEND_ROSTER = "start the hub: it mends what can be; then `stridehub provision` what is missing"
    CHARGE = "charge it before the session: an hour or two are left"
    WAKE = "move it, or charge it; `stridehub pods` tells when it is back"
    SWITCH_OFF_AND_ON = "switch the pod off and on; if that does not help, its sensor is broken"
    UPDATE_POD = "update the pod's firmware"

    # service
    ENABLE = "`sudo systemctl enable --now UNIT`"
    READ_LOG = "`journalctl -u UNIT -e` tells why; then `sudo systemctl restart UNIT`"
    MEND_SETTINGS = "`sudo stridehub check-config` tells what is wrong; mend it, and restart it"
    END_OTHER = "end it: two hubs at one adapter abort each other's connections"
