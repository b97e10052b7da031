"""Every timeout of the hub, with its reason. Seconds."""

# ---- reaching pods ----

# A pod advertises every 20 to 30 ms for 30 s, then once a second: a window this long meets it
# several times in either state.
SCAN_WINDOW_S = 4.0
# After the first pod is found the others of a group that just came are heard within this.
SCAN_GRACE_S = 0.3
# After so many windows without a wanted pod BlueZ is told to end links to it that nobody here has:
# a pod that is connected does not advertise.
FOREIGN_LINK_WINDOWS = 3
# Between windows while other pods of the adapter stream: scanning takes their airtime. A pod that
# comes back is found within this and a moment.
SCAN_PAUSE_S = 1.0
# The pause once pods have been missing for as long as LONG_MISSING_S: likely in a drawer.
SCAN_LONG_PAUSE_S = 10.0
LONG_MISSING_S = 300.0

# BlueZ gives up a connection attempt by itself after 20 to 40 s; a pod that advertises answers
# within two of its slow intervals, and the others wait meanwhile.
CONNECT_S = 8.0
# The pod disconnects a hub that has not encrypted within 10 s.
PAIR_S = 10.0
# A read or write takes a few connection intervals of 30 ms; ATT itself gives up after 30 s.
GATT_S = 5.0
# From START to the first packet: the IMU's own start (0.1 s) and 8 samples at 52 Hz.
FIRST_PACKET_S = 3.0
# A pod sends a packet at least every 0.4 s (19 samples at 52 Hz), and keeps 2 s of them while
# the air is bad.
SILENT_S = 2.0
# How often a link looks at its watch.
WATCH_TICK_S = 0.5
# A round trip to the pod's clock: seldom enough to cost nothing.
TIME_REQUEST_S = 5.0
# Between tries of a pod that nothing has helped so far: each holds the adapter's gate for a while.
DEGRADED_PAUSE_S = 20.0
# A stream of this length ends a series of failures.
STEADY_S = 30.0

# BlueZ takes 2 to 2.8 s to disconnect (a timer of its own); a new connection before that is none.
DISCONNECT_S = 4.0
# SIGTERM to exit takes 3 s at most, with all pods at once. BlueZ goes on to disconnect by itself.
LAST_DISCONNECT_S = 1.6
# For that and whatever else there is to end.
SHUTDOWN_S = 1.8

# One call to BlueZ over D-Bus; it answers in milliseconds unless it hangs.
DBUS_S = 5.0
# From power off to power on: the controller needs to have been told.
POWER_CYCLE_PAUSE_S = 1.0
# No more often than this, lest an adapter never comes to rest.
POWER_CYCLE_EVERY_S = 60.0
# While others stream it costs each of them some seconds. One pod whose link BlueZ neither uses nor
# ends is worth that once in a while.
POWER_CYCLE_BUSY_EVERY_S = 600.0
# While pods are missing and none at all is heard for this long, the adapter may have gone deaf;
# then for twice this, and so on.
DEAF_S = 60.0
# Looking for an adapter that is not there.
ADAPTER_POLL_S = 2.0

# ---- the run ----

# No stride waits longer than this for the packets of a pod that has gone.
ADVANCE_S = 0.25
# A loop that has not advanced for this long hangs, and systemd is told no longer that it lives:
# much longer than a busy Pi makes it late, well below WatchdogSec of stridehub.service.
ADVANCE_HANGS_S = 5.0
# How often health and checklist are told.
TELL_S = 1.0

# ---- motors ----

# No motor is on for longer while the hub works.
MOTOR_LIMIT_S = 0.8
# Nor for longer than a second, whatever happens to the hub: the guardian kills it after this, and
# then has the pins within a tenth of a second even where the processor is emulated. A hub that
# works, on a busy machine, is done before.
GUARDIAN_LIMIT_S = 0.9
# The guard's patience with the player at the end of a pulse: much longer than a busy machine makes
# a thread wait, too short to be felt as another pattern.
MOTOR_GRACE_S = 0.1
# The guard turns an overdue motor off again and again until the player lets go of it.
GUARD_TICK_S = 0.02
# Between a pattern that was cut short and the one that replaced it, to be felt as two; and so that
# no row of cues holds a motor on.
MOTOR_REST_S = 0.05
# A pin call takes microseconds: whoever holds the pins for longer hangs, and is not waited for.
PIN_CALL_S = 0.2
# The hub's loop beats every ADVANCE_S. After such a silence it hangs, and so does judgement of the
# cues it gave. One that was merely busy for a moment plays again with its next beat.
LOOP_STALL_S = 0.6
# Lines of a process that was just killed are free within milliseconds.
CLAIM_PINS_S = 2.0
CLAIM_AGAIN_S = 0.005
# The pipe of a hub that ended ends with its hold on the lines. Who has them after this is the next
# hub, which has a guardian too.
GUARDIAN_CLAIMS_S = 1.0
# A guardian starts Python and loads lgpio: a tenth of a second, or two on a small Pi. No motor is
# turned on before.
GUARDIAN_STARTS_S = 10.0
# The pins are free: it claims them, and ends.
GUARDIAN_ENDS_S = 2.0
# A motor that has not been switched on within this of the packet was not: its thread hangs, or the
# radio does not take the write.
CUE_EDGE_S = 1.0
# What coaches remember is written this often; a power cut costs no more.
KEEP_S = 10.0
# The last time, once everything else has ended.
LAST_WRITE_S = 0.5

# ---- the page ----

# Between requests of a browser; it loads some twenty files, then nothing.
PAGE_KEEPALIVE_S = 15.0
# Files that are on their way as the page ends: all are small.
PAGE_CLOSE_S = 0.5

# ---- raw recording ----

# Packets are handed to the file in small portions, so that the loop never waits long for the
# thread that does it.
RAW_WRITE_S = 0.25
# They are on the card after this: a power cut costs no more than this, RAW_WRITE_S and one fsync.
RAW_FLUSH_S = 1.0
# How often old recordings are looked for: they grow old by the day.
RAW_TIDY_S = 60.0

# ---- the broker ----

# A dead link is noticed after one to two of these, by the broker after one and a half.
MQTT_KEEP_ALIVE_S = 15
# For TCP and then for TLS: a handshake takes a second on a bad mobile network.
MQTT_CONNECT_S = 5.0
# From there to the broker's answer to CONNECT.
MQTT_CONNACK_S = 5.0
# A broker that is told that nothing more comes hangs up within a round trip.
MQTT_HANG_UP_S = 1.0
# A broker that answers pings, and this long not what it was sent, never will: it hangs. A busy one,
# or 20 messages on a bad mobile network, take some seconds.
MQTT_CONFIRM_S = 30.0
# Between tries: at first as long as a broker takes to restart, in the end rarely enough for a night
# without one. The same after a broker refused a message.
MQTT_FIRST_WAIT_S = 0.5
MQTT_LONGEST_WAIT_S = 30.0
# A connection of this length ends a series of failures.
MQTT_STEADY_S = 10.0
# At the end of the run: what waits goes out, then the last word; together within SHUTDOWN_S.
MQTT_DRAIN_S = 1.0
MQTT_LAST_WORD_S = 0.5
# Between tries to read an outbox whose disk fails.
OUTBOX_AGAIN_S = 1.0
# How often the keep-alive is looked at; a wait is no longer than this.
MQTT_TICK_S = 1.0
# A broker of the hub's own listens within a tenth of a second; the one in Python takes a second or
# two on a small Pi.
BROKER_STARTS_S = 20.0
# How often is looked whether it listens.
BROKER_LOOK_S = 0.02
# Passwords are hashed in milliseconds.
BROKER_SETUP_S = 5.0
# How long the way to the broker waits for one that starts; less than MQTT_DRAIN_S, so that it ends
# with the hub.
BROKER_APPEARS_S = 0.9

# ---- programs beside the hub: broker and page ----

# One that dies is back before pages notice, and does not fill the log where it dies at once.
CHILD_FIRST_WAIT_S = 0.5
CHILD_LONGEST_WAIT_S = 30.0
# One of this age was well: the next try comes soon again.
CHILD_STEADY_S = 10.0

# ---- telling coaches ----

# Status and pods. A page that has heard nothing for three of these says so.
STATUS_S = 5.0
# What stands beside foot strike and overstride changes slowly, and takes a while to work out.
EXPLAIN_S = 30.0
# How a runner is now is of no interest to a page that is opened later than this.
LIVE_EXPIRY_S = 60

# That the clock was set is said for this long: somebody looks at the page meanwhile.
CLOCK_TOLD_S = 60.0
# A network that tells the time comes within this of the start, or nobody knows any longer whether
# the clock was wrong before or is now.
CLOCK_LATE_S = 3600.0

# ---- the store ----

# Entries that come within this share a transaction: no more than 40 a second, and the first one
# after a pause waits for nobody. A published stride has 100 ms from end to end.
COMMIT_EVERY_S = 0.025
# A power cut may cost 2 s of strides: this, and a second for a card that is slow to take them.
SYNC_EVERY_S = 1.0
# A disk that is full or fails is tried again this often.
DISK_RETRY_S = 2.0

# ---- the page ----

# Python and the web server's modules, on a small Pi with much else to do.
PAGE_STARTS_S = 20.0
# How long a file is looked over before it is used: 100 MB of a slow card. The rest of a larger one
# is looked over beside the work.
STORE_CHECK_S = 4.0
# A hub that starts waits no longer for the store: to save what a damaged one holds takes minutes.
STORE_OPENS_S = 6.0
# A card that damages a new file again so soon is beyond mending.
MEND_EVERY_S = 60.0

# ---- doctor ----

# All its looks go on at the same time; the slowest is a broker that answers in neither version of
# MQTT. What takes longer is left behind.
DOCTOR_LOOK_S = 25.0
# Other programs answer with a line at once, unless they hang.
DOCTOR_PROGRAM_S = 5.0
# Python and rpi-lgpio, on a small Pi.
DOCTOR_IMPORT_S = 15.0
# A broker has taken the doctor in: it answers within a round trip.
DOCTOR_BROKER_S = 3.0
