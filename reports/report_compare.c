/* Which runs are compared, and the verdict of a gate that came as a file. */
#include "reports/report_compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct report_judges report_judges;

bool report_has_arms(const struct report_run *run)
{
    for (size_t i = 0; i < run->n_cells; i++)
        if (run->cells[i].arm)
            return true;
    return false;
}

static struct report_pair *add_pair(struct report_set *set, const struct report_run *base, const struct report_run *fresh)
{
    struct report_pair *pairs = arena_grow(&set->arena, set->pairs, set->n_pairs, sizeof(*pairs));
    if (!pairs)
        return NULL;
    set->pairs = pairs;
    pairs[set->n_pairs] = (struct report_pair){.base = base, .fresh = fresh};
    return &pairs[set->n_pairs++];
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int judge(struct report_set *set, struct report_pair *p, const char *gate, const char *allow, char err[REPORT_ERR_LEN])
{
    int rc = report_judges.compare(p->base->root, p->fresh->root, allow, &p->table, err);
    if (rc == JUDGE_REFUSED) {
        p->refused = arena_fmt(&set->arena, "%s", err);
        return 0;
    }
    if (rc == 0 && gate) {
        p->rules = base_name(gate);
        rc = report_judges.gate(p->base->root, p->fresh->root, gate, &p->gate, err);
    }
    return rc;
}

/* ---- a verdict from a file ----------------------------------------------------------------------------------------------------- */

static bool is_verdict_file(const char *gate)
{
    const size_t n = gate ? strlen(gate) : 0;
    return n > 5 && strcmp(gate + n - 5, ".json") == 0;
}

static int read_verdict(struct report_set *set, const char *path, char err[REPORT_ERR_LEN])
{
    json_error_t je;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    const char *problem = !root                                               ? je.text
                          : !json_is_string(json_object_get(root, "verdict")) ? "no \"verdict\": not what gate --json writes"
                          : !json_is_array(json_object_get(root, "rows"))     ? "no array \"rows\": not what gate --json writes"
                          : json_integer_value(json_object_get(root, "schema")) != 1
                              ? "schema is not 1; use the bitjoule that wrote it"
                              : NULL;
    if (problem) {
        snprintf(err, REPORT_ERR_LEN, "--gate %.300s: %.180s", path, problem);
        json_decref(root);
        return -EINVAL;
    }
    struct report_pair *p = add_pair(set, NULL, NULL);
    if (!p) {
        json_decref(root);
        return -ENOMEM;
    }
    p->gate = root;
    p->rules = arena_fmt(&set->arena, "%s", base_name(path));
    return 0;
}

int report_compare_runs(struct report_set *set, const char *gate, const char *allow, char err[REPORT_ERR_LEN])
{
    const char *rules = is_verdict_file(gate) ? NULL : gate;
    const bool arms = set->n_runs == 1 && report_has_arms(set->runs[0]);
    int rc = 0;
    for (size_t i = arms ? 0 : 1; report_judges.compare && i < set->n_runs && rc == 0; i++) {
        struct report_pair *p = add_pair(set, set->runs[0], set->runs[i]);
        rc = p ? judge(set, p, rules, allow, err) : -ENOMEM;
    }
    if (rc == 0 && rules && set->n_pairs == 0) {
        snprintf(err, REPORT_ERR_LEN, "--gate %.200s judges a run against another: give BASE and NEW, or a run with two arms",
                 gate);
        rc = -EINVAL;
    }
    if (rc == 0 && gate && !rules)
        rc = read_verdict(set, gate, err);
    if (rc == -ENOMEM)
        snprintf(err, REPORT_ERR_LEN, "out of memory");
    return rc;
}
