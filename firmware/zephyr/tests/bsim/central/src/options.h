/* The test central's command line options; times are simulated seconds. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool stranger; /* tries to get in, instead of what a hub does */
    bool mute;     /* connects and does not encrypt */
    uint32_t from_s;
    uint32_t until_s;  /* the summary, and no more */
    uint32_t leave_s;  /* disconnects, and stays away */
    uint32_t return_s; /* until then */
    uint32_t batch;
    uint32_t rate_hz;
    uint32_t interval_ms; /* of connection events; the pod's own wish is refused */
    uint32_t timeout_ms;  /* of the connection, with that interval */
    uint32_t end_s;       /* the process ends, as a hub does that is out of reach */
} options;

extern options wanted;

#endif
