#include "pod_core.h"

#include <string.h>

#include "counter.h"

enum {
    ATT_HEADER_BYTES = 3,

    /* A lithium cell under the load of radio and motor. */
    LOW_MV = 3600,      /* about a tenth of its charge left */
    LOW_OVER_MV = 3700, /* no longer low */
    START_MV = 3450,    /* below: minutes left, none worth starting a stream for */
    EMPTY_MV = 3300,    /* below: it would be harmed */

    SILENT_WATERMARKS = 3,
    SILENCE_SLACK_US = 300000
};

static uint16_t saturated(uint32_t value) {
    return (uint16_t)(value < UINT16_MAX ? value : UINT16_MAX);
}

static bool is_streaming(const pod_core *core) {
    return core->power.state == POD_LINK_STATE_STREAMING;
}

static bool is_placed(const pod_core *core) {
    return core->settings.config.placement != POD_LINK_NO_PLACEMENT;
}

/* Samples a packet: what was asked for, as far as a notification holds it. */
static uint8_t batch_that_fits(const pod_core *core) {
    const int32_t room =
        (core->mtu - ATT_HEADER_BYTES - POD_WIRE_HEADER_BYTES) / POD_WIRE_SAMPLE_BYTES;
    return (uint8_t)(room < 0 ? 0 : room < core->settings.batch ? room : core->settings.batch);
}

void pod_core_boot(pod_core *core, const pod_core_imu *imu, const pod_core_flash *flash,
                   const haptic_motor *motor, const uint8_t *kept, size_t length, bool power_on,
                   uint64_t now_us) {
    memset(core, 0, sizeof *core);
    core->imu = *imu;
    core->flash = *flash;
    core->mtu = POD_CORE_DEFAULT_MTU;
    core->battery_mv = POD_LINK_UNKNOWN_MV;
    core->started_us = now_us;
    core->settings = settings_default();
    if (length > 0) {
        core->flash_fault = !settings_decode(kept, length, &core->settings);
    }
    haptic_player_init(&core->haptic, *motor);
    imu_guard_init(&core->guard);
    power_machine_init(&core->power);
    power_machine_awake(&core->power, power_on, now_us);
}

static void begin_stream(pod_core *core, uint64_t now_us) {
    const uint8_t batch = batch_that_fits(core);
    const uint16_t rate_hz = core->settings.rate_hz;
    sampler_start(&core->sampler, core->imu.format, core->settings.config.placement, rate_hz,
                  batch);
    const uint32_t watermark_us = (uint32_t)(batch * US_PER_S / rate_hz);
    imu_guard_watch(&core->guard, SILENT_WATERMARKS * watermark_us + SILENCE_SLACK_US, now_us);
}

/* A state may have ended by an event or by time; what hangs on it ends with it. */
static void follow_power(pod_core *core, bool streamed, uint64_t now_us) {
    if (streamed && !is_streaming(core)) {
        sampler_flush(&core->sampler, core->haptic.shaking);
        imu_guard_rest(&core->guard);
    }
    if (power_machine_is_asleep(&core->power)) {
        haptic_player_stop(&core->haptic, now_us);
    }
}

static void power(pod_core *core, power_event event, uint64_t now_us) {
    const bool streamed = is_streaming(core);
    power_machine_event(&core->power, event, now_us);
    follow_power(core, streamed, now_us);
}

/* A reset empties the FIFO. */
static void watch_imu(pod_core *core, uint64_t now_us) {
    const uint32_t resets = core->guard.resets;
    imu_guard_tick(&core->guard, now_us);
    if (core->guard.resets != resets && is_streaming(core)) {
        sampler_lose(&core->sampler, core->haptic.shaking);
    }
}

void pod_core_tick(pod_core *core, uint64_t now_us) {
    const bool streamed = is_streaming(core);
    haptic_player_tick(&core->haptic, now_us);
    watch_imu(core, now_us);
    power_machine_tick(&core->power, now_us);
    follow_power(core, streamed, now_us);
    if (now_us >= core->identify_until_us) {
        core->identify_until_us = 0;
    }
}

uint64_t pod_core_next_us(const pod_core *core) {
    const uint64_t identify_us = core->identify_until_us > 0 ? core->identify_until_us : NEVER_US;
    return earlier(earlier(core->haptic.next_us, core->guard.due_us),
                   earlier(power_machine_next_us(&core->power), identify_us));
}

static pod_core_radio radio_of(pod_link_state state) {
    switch (state) {
    case POD_LINK_STATE_ADVERTISING_FAST:
        return POD_CORE_RADIO_FAST;
    case POD_LINK_STATE_ADVERTISING_SLOW:
        return POD_CORE_RADIO_SLOW;
    default:
        return POD_CORE_RADIO_OFF;
    }
}

pod_core_wishes pod_core_wish(const pod_core *core) {
    const pod_link_state state = core->power.state;
    const bool pairing = power_machine_is_pairing(&core->power);
    return (pod_core_wishes){
        .radio = radio_of(state),
        .imu = is_streaming(core) ? POD_CORE_IMU_STREAM : POD_CORE_IMU_WAKE,
        .imu_rate_hz = core->settings.rate_hz,
        .imu_watermark = is_streaming(core) ? core->sampler.batch : batch_that_fits(core),
        .imu_resets = core->guard.resets,
        .light = core->identify_until_us > 0 ? POD_CORE_LIGHT_IDENTIFY
                 : pairing                   ? POD_CORE_LIGHT_PAIRING
                                             : POD_CORE_LIGHT_OFF,
        .pairing = pairing,
        .disconnect = power_machine_wants_rid(&core->power),
        .sleep = power_machine_is_asleep(&core->power),
        .sleep_to_end = state == POD_LINK_STATE_EMPTY,
    };
}

/* The radio. */

void pod_core_connected(pod_core *core, uint64_t now_us) {
    if (core->power.connected) { /* the radio forgot to tell of the end of the last one */
        pod_core_disconnected(core, now_us);
    }
    core->mtu = POD_CORE_DEFAULT_MTU;
    power(core, POWER_CONNECTED, now_us);
}

void pod_core_further_central(pod_core *core) { count_up(&core->centrals_refused); }

void pod_core_encrypted(pod_core *core, uint64_t now_us) { power(core, POWER_ENCRYPTED, now_us); }

void pod_core_mtu(pod_core *core, uint16_t mtu) { core->mtu = mtu; }

void pod_core_bonded(pod_core *core, bool bonded) { core->bonded = bonded; }

void pod_core_subscribed(pod_core *core, bool subscribed, uint64_t now_us) {
    core->subscribed = subscribed && core->power.connected;
    if (!subscribed) {
        power(core, POWER_STOP, now_us);
        packet_ring_clear(&core->sampler.ring);
    }
}

void pod_core_disconnected(pod_core *core, uint64_t now_us) {
    haptic_player_stop(&core->haptic, now_us);
    core->subscribed = false;
    core->time_asked = false;
    core->identify_until_us = 0;
    power(core, POWER_DISCONNECTED, now_us);
    packet_ring_clear(&core->sampler.ring);
}

/* Writes. */

static pod_link_result answer(pod_core *core, pod_link_result result) {
    if (result != POD_LINK_OK) {
        count_up(&core->writes_refused);
    }
    return result;
}

/* Whoever is not encrypted, or is being disconnected, has nothing to say. */
static pod_link_result admit(const pod_core *core) {
    if (!core->power.encrypted) {
        return POD_LINK_NOT_ENCRYPTED;
    }
    return power_machine_wants_rid(&core->power) ? POD_LINK_BUSY : POD_LINK_OK;
}

static bool is_kept(const pod_core *core, const uint8_t *record, size_t length) {
    uint8_t kept[SETTINGS_MAX_BYTES];
    return !core->flash_fault && settings_encode(&core->settings, kept) == length &&
           memcmp(kept, record, length) == 0;
}

static pod_link_result keep(pod_core *core, const settings *wanted) {
    uint8_t record[SETTINGS_MAX_BYTES];
    const size_t length = settings_encode(wanted, record);
    if (is_kept(core, record, length)) {
        return POD_LINK_OK;
    }
    core->flash_fault = !core->flash.keep(core->flash.context, record, length);
    if (core->flash_fault) {
        count_up(&core->settings_lost);
        return POD_LINK_NOT_KEPT;
    }
    core->settings = *wanted;
    return POD_LINK_OK;
}

static bool is_too_empty(const pod_core *core) {
    return core->battery_mv < START_MV && !core->power.charger;
}

static pod_link_result start(pod_core *core, uint64_t now_us) {
    if (is_streaming(core)) {
        return POD_LINK_OK;
    }
    if (!core->subscribed) {
        return POD_LINK_NOT_SUBSCRIBED;
    }
    if (!is_placed(core)) {
        return POD_LINK_NO_PLACE;
    }
    if (core->guard.fault) {
        return POD_LINK_IMU_FAULT;
    }
    if (is_too_empty(core)) {
        return POD_LINK_LOW_BATTERY;
    }
    if (batch_that_fits(core) == 0) {
        return POD_LINK_SMALL_MTU;
    }
    power(core, POWER_START, now_us);
    if (!is_streaming(core)) {
        return POD_LINK_BUSY;
    }
    begin_stream(core, now_us);
    return POD_LINK_OK;
}

static pod_link_result set(pod_core *core, const settings *wanted) {
    return is_streaming(core) ? POD_LINK_BUSY : keep(core, wanted);
}

static pod_link_result set_rate(pod_core *core, uint16_t rate_hz) {
    settings wanted = core->settings;
    wanted.rate_hz = rate_hz;
    return set(core, &wanted);
}

static pod_link_result set_batch(pod_core *core, uint8_t batch) {
    settings wanted = core->settings;
    wanted.batch = batch;
    return set(core, &wanted);
}

static pod_link_result control(pod_core *core, const pod_link_control *wanted, uint64_t now_us) {
    switch (wanted->opcode) {
    case POD_LINK_START:
        return start(core, now_us);
    case POD_LINK_STOP:
        power(core, POWER_STOP, now_us);
        return POD_LINK_OK;
    case POD_LINK_RATE:
        return set_rate(core, wanted->argument);
    case POD_LINK_BATCH:
        return set_batch(core, (uint8_t)wanted->argument);
    case POD_LINK_IDENTIFY:
        core->identify_until_us = wanted->argument > 0 ? now_us + wanted->argument * US_PER_S : 0;
        return POD_LINK_OK;
    default:
        return POD_LINK_BAD_OPCODE;
    }
}

pod_link_result pod_core_write_control(pod_core *core, const uint8_t *bytes, size_t length,
                                       uint64_t now_us) {
    pod_link_control wanted;
    pod_link_result result = admit(core);
    if (result == POD_LINK_OK) {
        result = pod_link_decode_control(bytes, length, &wanted);
    }
    return answer(core, result == POD_LINK_OK ? control(core, &wanted, now_us) : result);
}

pod_link_result pod_core_write_config(pod_core *core, const uint8_t *bytes, size_t length) {
    settings wanted = core->settings;
    pod_link_result result = admit(core);
    if (result == POD_LINK_OK) {
        result = pod_link_decode_config(bytes, length, &wanted.config);
    }
    return answer(core, result == POD_LINK_OK ? set(core, &wanted) : result);
}

pod_link_result pod_core_write_haptic(pod_core *core, const uint8_t *bytes, size_t length,
                                      uint64_t now_us) {
    pod_link_haptic pattern;
    pod_link_result result = admit(core);
    if (result == POD_LINK_OK) {
        result = pod_link_decode_haptic(bytes, length, &pattern);
    }
    if (result == POD_LINK_OK) {
        haptic_player_play(&core->haptic, &pattern, now_us);
    }
    return answer(core, result);
}

pod_link_result pod_core_write_time(pod_core *core, const uint8_t *bytes, size_t length,
                                    uint64_t now_us) {
    pod_link_result result = admit(core);
    if (result == POD_LINK_OK) {
        result = pod_link_decode_time_request(bytes, length, &core->time.t1);
    }
    if (result == POD_LINK_OK) {
        core->time.t2_us = (uint32_t)now_us;
        core->time_asked = true;
    }
    return answer(core, result);
}

/* Reads. */

pod_link_result pod_core_read_info(const pod_core *core, uint8_t bytes[POD_WIRE_INFO_BYTES]) {
    const pod_wire_info info = {
        .placement = core->settings.config.placement,
        .firmware = POD_CORE_FIRMWARE,
        .rate_mhz = core->settings.rate_hz * 1000U,
        .acc_nm_s2_per_lsb = core->imu.acc_nm_s2_per_lsb,
        .gyr_nrad_s_per_lsb = core->imu.gyr_nrad_s_per_lsb,
        .batch = core->settings.batch,
    };
    size_t length = 0;
    return pod_wire_encode_info(&info, bytes, POD_WIRE_INFO_BYTES, &length) == POD_WIRE_OK
               ? POD_LINK_OK
               : POD_LINK_NO_PLACE;
}

size_t pod_core_read_config(const pod_core *core, uint8_t *bytes, size_t capacity) {
    return pod_link_encode_config(&core->settings.config, bytes, capacity);
}

static uint8_t conditions(const pod_core *core) {
    unsigned bits = 0;
    bits |= core->guard.fault ? POD_LINK_CONDITION_IMU_FAULT : 0U;
    bits |= core->flash_fault ? POD_LINK_CONDITION_FLASH_FAULT : 0U;
    bits |= core->battery_low ? POD_LINK_CONDITION_LOW_BATTERY : 0U;
    bits |= power_machine_is_pairing(&core->power) ? POD_LINK_CONDITION_PAIRING : 0U;
    bits |= core->bonded ? POD_LINK_CONDITION_BONDED : 0U;
    bits |= core->charging == POD_LINK_CHARGING ? POD_LINK_CONDITION_CHARGING : 0U;
    return (uint8_t)bits;
}

size_t pod_core_read_status(const pod_core *core, uint64_t now_us, uint8_t *bytes,
                            size_t capacity) {
    const uint32_t rate_mhz = is_streaming(core) ? sample_clock_rate_mhz(&core->sampler.clock) : 0;
    const pod_link_status status = {
        .state = (uint8_t)core->power.state,
        .conditions = conditions(core),
        .charging = core->charging,
        .battery_mv = core->battery_mv,
        .rate_mhz = rate_mhz > 0 ? rate_mhz : POD_LINK_UNKNOWN_RATE,
        .uptime_s = (uint32_t)((now_us - core->started_us) / US_PER_S),
        .packets_dropped = core->sampler.ring.dropped,
        .fifo_overflows = core->fifo_overflows,
        .fifo_bad_words = core->sampler.fifo.bad_words,
        .imu_resets = saturated(core->guard.resets),
        .writes_refused = core->writes_refused,
        .settings_lost = core->settings_lost,
        .centrals_refused = core->centrals_refused,
    };
    return pod_link_encode_status(&status, bytes, capacity);
}

size_t pod_core_read_advertisement(const pod_core *core, uint8_t *bytes, size_t capacity) {
    const pod_link_advertisement advertisement = {
        .placement = core->settings.config.placement,
        .conditions = conditions(core),
        .battery_mv = core->battery_mv,
    };
    return pod_link_encode_advertisement(&advertisement, bytes, capacity);
}

/* A straight line is off by ten percent and more; it is here for phones only. */
pod_link_result pod_core_read_battery_percent(const pod_core *core, uint8_t *percent) {
    enum { FULL_MV = 4200 };
    if (core->battery_mv == POD_LINK_UNKNOWN_MV) {
        return POD_LINK_UNKNOWN;
    }
    const int32_t above_mv = core->battery_mv - EMPTY_MV;
    const int32_t value = above_mv * 100 / (FULL_MV - EMPTY_MV);
    *percent = (uint8_t)(value < 0 ? 0 : value > 100 ? 100 : value);
    return POD_LINK_OK;
}

size_t pod_core_take_time_reply(pod_core *core, uint64_t now_us, uint8_t *bytes, size_t capacity) {
    if (!core->time_asked) {
        return 0;
    }
    core->time.t3_us = (uint32_t)now_us;
    core->time_asked = false;
    return pod_link_encode_time_reply(&core->time, bytes, capacity);
}

size_t pod_core_take_packet(pod_core *core, uint8_t *bytes, size_t capacity) {
    return core->subscribed && core->power.encrypted
               ? packet_ring_take(&core->sampler.ring, bytes, capacity)
               : 0;
}

/* The IMU. */

void pod_core_imu_read(pod_core *core, const uint8_t *bytes, size_t length, uint8_t marked,
                       uint64_t marked_us, uint64_t now_us) {
    if (!is_streaming(core)) {
        return;
    }
    const uint32_t next = core->sampler.next;
    sampler_mark(&core->sampler, marked, marked_us);
    sampler_read(&core->sampler, bytes, length, core->haptic.shaking);
    if (core->sampler.next != next) {
        imu_guard_well(&core->guard, now_us);
    }
    if (sampler_take_moved(&core->sampler)) {
        power(core, POWER_MOVED, now_us);
    }
}

void pod_core_imu_overflow(pod_core *core) {
    if (is_streaming(core)) {
        count_up(&core->fifo_overflows);
        sampler_lose(&core->sampler, core->haptic.shaking);
    }
}

void pod_core_imu_failed(pod_core *core, uint64_t now_us) {
    imu_guard_failed(&core->guard, now_us);
    if (is_streaming(core)) {
        sampler_lose(&core->sampler, core->haptic.shaking);
    }
}

void pod_core_imu_well(pod_core *core, uint64_t now_us) {
    if (!is_streaming(core)) { /* then only samples prove it */
        imu_guard_well(&core->guard, now_us);
    }
}

void pod_core_moved(pod_core *core, uint64_t now_us) { power(core, POWER_MOVED, now_us); }

void pod_core_tapped(pod_core *core, uint64_t now_us) { power(core, POWER_TAPPED, now_us); }

static void note_charger(pod_core *core, uint64_t now_us) {
    if (core->charging == POD_LINK_CHARGING_UNKNOWN) {
        return;
    }
    const bool charger = core->charging == POD_LINK_CHARGING || core->charging == POD_LINK_CHARGED;
    if (charger != core->power.charger) {
        power(core, charger ? POWER_CHARGER_IN : POWER_CHARGER_OUT, now_us);
    }
}

void pod_core_battery(pod_core *core, uint16_t battery_mv, pod_link_charging charging,
                      uint64_t now_us) {
    core->battery_mv = battery_mv;
    core->charging = (uint8_t)charging;
    note_charger(core, now_us);
    if (battery_mv == POD_LINK_UNKNOWN_MV) {
        return;
    }
    core->battery_low = battery_mv < (core->battery_low ? LOW_OVER_MV : LOW_MV);
    const bool empty_before = core->battery_empty;
    core->battery_empty = battery_mv < EMPTY_MV;
    if (core->battery_empty && empty_before) { /* once may be the motor's start */
        power(core, POWER_BATTERY_EMPTY, now_us);
    }
}
