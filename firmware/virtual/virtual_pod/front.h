/* A pod's core with the hardware around it played in memory: an IMU that fills a FIFO, a motor with
 * the timer that switches it off, flash.
 *
 * Times are microseconds of the pod's crystal. They never run backwards: what is given an earlier
 * time than the pod's own happens at the pod's own. Until its first front_boot a pod takes no
 * other call but front_keep.
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRONT_UNKNOWN_MV = 0xFFFF };

typedef struct front front;

typedef enum {
    FRONT_IMU_WELL,
    FRONT_IMU_SILENT, /* answers, and samples nothing */
    FRONT_IMU_DEAD    /* does not answer */
} front_imu_health;

/* What goes wrong; may be changed at any time. */
typedef struct {
    front_imu_health imu;
    bool imu_heals_at_reset;
    bool flash_full;
    bool hung;              /* the firmware does nothing; hardware goes on */
    uint32_t read_delay_us; /* from the FIFO's watermark to its read */
} front_faults;

typedef struct {
    uint64_t at_us;
    uint8_t percent; /* 0: off */
    bool by_timer;   /* the off-timer's doing, not the firmware's */
} front_motor_edge;

typedef struct {
    uint8_t percent;
    bool armed;
    uint64_t off_at_us; /* where armed */
} front_motor;

/* pod_core_wishes. */
typedef struct {
    uint8_t radio;
    uint8_t imu;
    uint8_t light;
    uint8_t imu_watermark;
    uint16_t imu_rate_hz;
    uint32_t imu_resets;
    bool pairing;
    bool disconnect;
    bool sleep;
    bool sleep_to_end;
} front_wishes;

/* major << 8 | minor */
uint16_t front_firmware(void);

/* NULL where memory is short. */
front *front_new(uint32_t acc_nm_s2_per_lsb, uint32_t gyr_nrad_s_per_lsb, bool tagged_fifo);
void front_free(front *pod);
front_faults *front_faults_of(front *pod);

/* Puts settings into flash: a config record, rate and batch. False for what no pod keeps. */
bool front_keep(front *pod, const uint8_t *config, size_t length, uint16_t rate_hz, uint8_t batch);

/* Powers the hardware; flash stays as it is. */
void front_boot(front *pod, bool power_on, uint64_t now_us);

uint64_t front_now_us(const front *pod);

/* When front_run next has something to do; UINT64_MAX: not before something happens. */
uint64_t front_next_us(const front *pod);

/* Lets time pass: the core's ticks, the motor's timer and reads of the FIFO, each when it is due.
 */
void front_run(front *pod, uint64_t until_us);

/* The IMU takes samples at these times, in order: n of accelerometer x, y, z, gyroscope x, y, z. */
void front_feed(front *pod, const int16_t *samples, const uint64_t *times_us, size_t count);

/* The FIFO overflows, and is emptied. */
void front_overflow(front *pod, uint64_t now_us);

/* The radio. */
void front_connected(front *pod, uint64_t now_us);
void front_further_central(front *pod);
void front_encrypted(front *pod, uint64_t now_us);
void front_mtu(front *pod, uint16_t mtu);
void front_bonded(front *pod, bool bonded);
void front_subscribed(front *pod, bool subscribed, uint64_t now_us);
void front_disconnected(front *pod, uint64_t now_us);

/* A pod_link_result. `attribute` is a pod_link_attribute that is written, or read. */
uint8_t front_write(front *pod, uint16_t attribute, const uint8_t *bytes, size_t length,
                    uint64_t now_us);
uint8_t front_read(front *pod, uint16_t attribute, uint64_t now_us, uint8_t *bytes, size_t capacity,
                   size_t *length);
uint8_t front_read_battery_percent(front *pod, uint8_t *percent);
size_t front_read_advertisement(front *pod, uint8_t *bytes, size_t capacity);

/* Lengths; 0 where none waits. */
size_t front_take_packet(front *pod, uint8_t *bytes, size_t capacity);
size_t front_take_time_reply(front *pod, uint64_t now_us, uint8_t *bytes, size_t capacity);

void front_tapped(front *pod, uint64_t now_us);
void front_moved(front *pod, uint64_t now_us);
void front_battery(front *pod, uint16_t battery_mv, uint8_t charging, uint64_t now_us);

front_wishes front_wish(const front *pod);
front_motor front_motor_of(const front *pod);

/* The oldest edges of the motor not taken yet; a pod holds 1024 of them and forgets later ones. */
size_t front_take_edges(front *pod, front_motor_edge *edges, size_t capacity);

#endif
