#ifndef LIGHT_H
#define LIGHT_H

#include "pod_core.h"

void light_open(void);
void light_show(pod_core_light light);

#endif
