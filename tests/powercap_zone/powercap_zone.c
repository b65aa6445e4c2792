/* A kernel module for tests in a virtual machine: a powercap zone "package-0" that draws 42 W, of the usual range, and wraps
 * wraps_in_ms after it was loaded. */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/powercap.h>

#define WATTS    42ULL
#define RANGE_UJ 262143328850ULL

static uint wraps_in_ms = 2000;
module_param(wraps_in_ms, uint, 0444);
static s64 loaded_ms;

static struct powercap_control_type *type;
static struct powercap_zone zone;

/* Updated each millisecond, as RAPL is. */
static int energy(struct powercap_zone *z, u64 *uj)
{
    u64 rest;
    const u64 start = RANGE_UJ + 1 - (u64)wraps_in_ms * WATTS * 1000;
    div64_u64_rem(start + (u64)(ktime_to_ms(ktime_get_raw()) - loaded_ms) * WATTS * 1000, RANGE_UJ + 1, &rest);
    *uj = rest;
    return 0;
}

static int range(struct powercap_zone *z, u64 *uj)
{
    *uj = RANGE_UJ;
    return 0;
}

static int release(struct powercap_zone *z)
{
    return 0;
}

static int get_constraint(struct powercap_zone *z, int i, u64 *value)
{
    *value = i ? 65000000 : 45000000;
    return 0;
}

static int set_constraint(struct powercap_zone *z, int i, u64 value)
{
    return 0;
}

static const struct powercap_zone_ops ops = {
    .get_energy_uj = energy,
    .get_max_energy_range_uj = range,
    .release = release,
};

/* The framework takes no zone without them. */
static const struct powercap_zone_constraint_ops constraints = {
    .get_power_limit_uw = get_constraint,
    .set_power_limit_uw = set_constraint,
    .get_time_window_us = get_constraint,
    .set_time_window_us = set_constraint,
};

static int __init begin(void)
{
    struct powercap_zone *z;
    loaded_ms = ktime_to_ms(ktime_get_raw());
    type = powercap_register_control_type(NULL, "intel-rapl", NULL);
    if (IS_ERR(type))
        return PTR_ERR(type);
    z = powercap_register_zone(&zone, type, "package-0", NULL, &ops, 2, &constraints);
    if (IS_ERR(z)) {
        powercap_unregister_control_type(type);
        return PTR_ERR(z);
    }
    return 0;
}

static void __exit finish(void)
{
    powercap_unregister_zone(type, &zone);
    powercap_unregister_control_type(type);
}

module_init(begin);
module_exit(finish);
MODULE_DESCRIPTION("a powercap zone of known power");
MODULE_LICENSE("Dual MIT/GPL");
