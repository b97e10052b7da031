/* Which of the strides that two contacts of a foot mark out are strides at all. */
#ifndef STRIDE_RULES_H
#define STRIDE_RULES_H

#include "stride_metrics.h"

/* Walking or running, both feet in turn, by pods that are worn upright. `usual_stride_s` is this
 * leg's last stride time; 0: not known. */
int stride_is_gait(const body *b, const stride_times *t, double usual_stride_s);

/* Of the stride's contact and toe-off: flight seen (1), not seen (0), cannot be told (-1). */
int stride_is_running(const stride_times *t, int contact_flight, int toe_off_flight);

#endif
