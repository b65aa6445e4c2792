/* Glue between loaded records and the JSON of comparison_out.h and gate_out.h. */
#include "harness/pair_judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/comparison_out.h"
#include "harness/gate_out.h"
#include "harness/record_pair.h"

static const char out_of_memory[] = "out of memory";
_Static_assert((int)PAIR_ERR_LEN == (int)GATE_ERR_LEN, "one buffer serves both");

static int fail(int rc, const char *why, char err[PAIR_ERR_LEN])
{
    snprintf(err, PAIR_ERR_LEN, "%s", why);
    return rc;
}

/* "cpu_model is 'A' and 'B', seed is '1' and '2'" */
static void name_differences(const struct machine_difference *d, size_t n, char err[PAIR_ERR_LEN])
{
    size_t len = 0;
    for (size_t i = 0; i < n && len < PAIR_ERR_LEN; i++)
        len += (size_t)snprintf(err + len, PAIR_ERR_LEN - len, "%s%s is '%.60s' and '%.60s'", i ? ", " : "", d[i].key, d[i].base,
                                d[i].fresh);
}

static int match(struct record_pair *p, const char *allow, char err[PAIR_ERR_LEN])
{
    struct machine_difference refused[MACHINE_KEYS_MAX];
    char keys[PAIR_ERR_LEN];
    snprintf(keys, sizeof keys, "%s", allow ? allow : "");
    if (record_pair_allow("report", p, keys))
        return fail(-EINVAL, "", err);
    const size_t n = record_pair_match(p, refused);
    name_differences(refused, n, err);
    return n ? PAIR_REFUSED : 0;
}

int pair_compare(json_t *base, json_t *fresh, const char *allow, json_t **out, char err[PAIR_ERR_LEN])
{
    struct record_pair p = {.base = base, .fresh = fresh};
    struct comparison_table t;
    *out = NULL;
    const int rc = match(&p, allow, err);
    if (rc)
        return rc;
    if (comparison_make(base, fresh, 0.95, &t))
        return fail(-ENOMEM, out_of_memory, err);
    const struct comparison_names names = {"base", "new", 0.05, p.differences, p.n_differences};
    *out = t.n ? comparison_json(&t, &names) : NULL;
    const int made = *out ? 0 : t.n ? fail(-ENOMEM, out_of_memory, err) : fail(PAIR_REFUSED, "they have no cell in common", err);
    comparison_free(&t);
    return made;
}

int pair_gate(json_t *base, json_t *fresh, const char *rules, json_t **out, char err[PAIR_ERR_LEN])
{
    struct gate_config g;
    struct comparison_table t = {0};
    struct gate_report report = {0};
    *out = NULL;
    int rc = gate_config_named(&g, rules, err);
    if (!rc && comparison_make(base, fresh, g.confidence, &t))
        rc = fail(-ENOMEM, out_of_memory, err);
    if (!rc) {
        snprintf(err, PAIR_ERR_LEN, "%s", out_of_memory);
        rc = gate_judge(&g, &t, base, fresh, &report, err);
    }
    if (!rc) {
        const struct gate_names names = {"base", "new", g.alpha, g.warn_only};
        *out = gate_json(&report, &names);
        rc = *out ? 0 : -ENOMEM;
    }
    gate_report_free(&report);
    comparison_free(&t);
    gate_config_free(&g);
    return rc;
}
