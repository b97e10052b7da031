#include "advertising.h"

#include <string.h>
#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/conn.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>

#include "clock.h"
#include "identity.h"
#include "link.h"
#include "pod.h"

#define RETRY_US 200000U

enum { COMPANY_BYTES = 2 };

typedef struct {
    pod_core_radio radio;
    bool to_all; /* else only known centrals may connect */
} mode;

typedef struct {
    uint8_t maker[COMPANY_BYTES + POD_LINK_ADVERTISEMENT_BYTES];
    char name[POD_LINK_MAX_NAME_BYTES + 1];
} content;

static const mode silent = {.radio = POD_CORE_RADIO_OFF};
static mode current;
static content told;
static atomic_t ended;

void advertising_has_ended(void) { atomic_set(&ended, 1); }

static content what_to_tell(void) {
    content fresh = {0};
    uint8_t record[POD_LINK_MAX_CONFIG_BYTES];
    pod_link_config config = {0};
    sys_put_le16(CONFIG_POD_COMPANY_ID, fresh.maker);
    const pod_core *core = pod_enter();
    pod_core_read_advertisement(core, fresh.maker + COMPANY_BYTES, POD_LINK_ADVERTISEMENT_BYTES);
    pod_link_decode_config(record, pod_core_read_config(core, record, sizeof record), &config);
    pod_leave();
    if (config.name_bytes > 0) {
        memcpy(fresh.name, config.name, config.name_bytes);
    } else {
        strcpy(fresh.name, identity_name());
    }
    return fresh;
}

/* Starts it with these parameters or, NULL, changes its data. */
static int tell(const struct bt_le_adv_param *start, const content *content) {
    static const uint8_t flags = BT_LE_AD_GENERAL | BT_LE_AD_NO_BREDR;
    static const uint8_t service[] = {POD_LINK_UUID_BYTES(POD_LINK_SERVICE)};
    const struct bt_data advertisement[] = {
        BT_DATA(BT_DATA_FLAGS, &flags, sizeof flags),
        BT_DATA(BT_DATA_UUID128_ALL, service, sizeof service),
        BT_DATA(BT_DATA_MANUFACTURER_DATA, content->maker, sizeof content->maker),
    };
    const struct bt_data answer[] = {
        BT_DATA(BT_DATA_NAME_COMPLETE, content->name, strlen(content->name)),
    };
    return start == NULL ? bt_le_adv_update_data(advertisement, ARRAY_SIZE(advertisement), answer,
                                                 ARRAY_SIZE(answer))
                         : bt_le_adv_start(start, advertisement, ARRAY_SIZE(advertisement), answer,
                                           ARRAY_SIZE(answer));
}

static void admit(const struct bt_bond_info *bond, void *context) {
    ARG_UNUSED(context);
    bt_le_filter_accept_list_add(&bond->addr);
}

static void admit_bonded(void) {
    bt_le_filter_accept_list_clear();
    bt_foreach_bond(BT_ID_DEFAULT, admit, NULL);
}

static struct bt_le_adv_param parameters_of(mode wanted) {
    const bool fast = wanted.radio == POD_CORE_RADIO_FAST;
    return (struct bt_le_adv_param){
        .id = BT_ID_DEFAULT,
        .options = BT_LE_ADV_OPT_CONNECTABLE | BT_LE_ADV_OPT_ONE_TIME |
                   (wanted.to_all ? 0U : BT_LE_ADV_OPT_FILTER_CONN),
        .interval_min = fast ? 0x0020 : 0x0640, /* 20 ms, 1 s */
        .interval_max = fast ? 0x0030 : 0x0690, /* 30 ms, 1.05 s */
    };
}

static int change(mode wanted, const content *fresh) {
    bt_le_adv_stop();
    current = silent;
    if (wanted.radio == POD_CORE_RADIO_OFF) {
        return 0;
    }
    if (!wanted.to_all) {
        admit_bonded();
    }
    const struct bt_le_adv_param parameters = parameters_of(wanted);
    const int error = tell(&parameters, fresh);
    if (error == 0) {
        told = *fresh;
        current = wanted;
    }
    return error;
}

static int refresh(const content *fresh) {
    if (memcmp(fresh, &told, sizeof told) == 0) {
        return 0;
    }
    const int error = tell(NULL, fresh);
    if (error == 0) {
        told = *fresh;
    }
    return error;
}

/* The name a connected central reads; kept in flash, so only what is new is written. */
static void name_device(const char *name) {
    if (strcmp(bt_get_name(), name) != 0) {
        bt_set_name(name);
    }
}

uint64_t advertising_follow(pod_core_radio radio, bool pairing) {
    const content fresh = what_to_tell();
    const mode wanted = {
        .radio = radio,
        .to_all = radio != POD_CORE_RADIO_OFF && (pairing || !link_has_bonds()),
    };
    if (atomic_set(&ended, 0) != 0) {
        current = silent;
    }
    name_device(fresh.name);
    int error = 0;
    if (wanted.radio != current.radio || wanted.to_all != current.to_all) {
        error = change(wanted, &fresh);
    } else if (radio != POD_CORE_RADIO_OFF) {
        error = refresh(&fresh);
    }
    return error == 0 ? NEVER_US : clock_us() + RETRY_US;
}
