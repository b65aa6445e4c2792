/* Reads the lines back in the order in which they were written; see resume.h. A cell is found by its index in the plan, since its id may
 * name another embedding once the model is loaded. */
#include "harness/resume.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t ? t : "";
}

/* ---- what stays ----------------------------------------------------------------------------------------------------- */

static bool stays(const json_t *line)
{
    const char *type = text_of(line, "type");
    if (!strcmp(type, "footer") || !strcmp(type, "peak") || !strcmp(type, "lossless")) /* made anew at the end */
        return false;
    if (!strcmp(type, "contest") || !strcmp(type, "cell") || !strcmp(type, "scenario"))
        return strcmp(text_of(line, "stop"), "interrupted") && strcmp(text_of(line, "reason"), "interrupted");
    return strcmp(type, "energy") || strcmp(text_of(line, "when"), "after");
}

json_t *resume_kept(const json_t *lines)
{
    json_t *kept = json_array(), *line;
    size_t i;
    json_array_foreach(lines, i, line)
    {
        if (stays(line))
            json_array_append(kept, line);
    }
    return kept;
}

/* ---- whether it may go on ------------------------------------------------------------------------------------------- */

static const char *const keys[] = {"host", "program", "inputs"};

const char *resume_key_error(const char *key)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!strcmp(key, keys[i]))
            return NULL;
    return "host, program or inputs is expected";
}

static bool allowed(const struct str_list *allow, const char *key)
{
    for (size_t i = 0; i < allow->n; i++)
        if (!strcmp(allow->v[i], key))
            return true;
    return false;
}

static int differs(const char *key, const char *what, const json_t *then, const json_t *now, char err[RECORD_ERR_LEN])
{
    char *a = then ? json_dumps(then, JSON_ENCODE_ANY | JSON_COMPACT) : NULL,
         *b = now ? json_dumps(now, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(err, RECORD_ERR_LEN, "the %s differs: %s was %.120s, is %.120s; --allow-different %s goes on all the same", key, what,
             a ? a : "not there", b ? b : "not there", key);
    free(a);
    free(b);
    return -EXDEV;
}

int resume_check(const json_t *then, const json_t *now, const struct str_list *allow, char err[RECORD_ERR_LEN])
{
    static const struct {
        const char *key, *object, *field;
    } rows[] = {{"host", "host", "cpu_model"},         {"host", "host", "cores"},
                {"host", "host", "threads"},           {"host", "host", "arch"},
                {"host", "host", "hypervisor"},        {"host", "host", "mem_total_bytes"},
                {"program", "build", "binary_sha256"}, {"program", "tool", "version"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *a = json_object_get(json_object_get(then, rows[i].object), rows[i].field),
                     *b = json_object_get(json_object_get(now, rows[i].object), rows[i].field);
        if (!allowed(allow, rows[i].key) && !json_equal(a, b))
            return differs(rows[i].key, rows[i].field, a, b, err);
    }
    const json_t *a = json_object_get(then, "inputs"), *b = json_object_get(now, "inputs");
    for (size_t i = 0; !allowed(allow, "inputs") && (i < json_array_size(a) || i < json_array_size(b)); i++)
        if (!json_equal(json_array_get(a, i), json_array_get(b, i)))
            return differs("inputs", "one of them", json_array_get(a, i), json_array_get(b, i), err);
    return 0;
}

/* ---- what there is -------------------------------------------------------------------------------------------------- */

/* Index of the line's cell; n_cells: none. */
static size_t cell_of(const struct experiment *e, const json_t *line)
{
    const json_t *v = json_object_get(line, "index");
    const json_int_t i = json_is_integer(v) ? json_integer_value(v) : -1;
    return i >= 0 && (size_t)i < e->plan->n_cells ? (size_t)i : e->plan->n_cells;
}

static size_t contest_of(const struct experiment *e, const json_t *line)
{
    const json_int_t batch = json_integer_value(json_object_get(line, "batch"));
    char id[PLAN_ID_LEN];
    for (size_t i = 0; i < e->schedule.n_contests; i++) {
        const struct contest *c = &e->schedule.contests[i];
        plan_contest_id(e->plan, &e->plan->cells[c->cells[0]], id);
        if ((json_int_t)c->batch + 1 == batch && !strcmp(text_of(line, "contest"), id))
            return i;
    }
    return e->schedule.n_contests;
}

static int restore_block(struct experiment *e, const json_t *line)
{
    const size_t i = cell_of(e, line);
    struct block b;
    if (i == e->plan->n_cells || !block_from_line(line, &b))
        return -EINVAL;
    struct cell_result *r = &e->results[i];
    r->used_s += b.window_s;
    snprintf(r->output_sha256, sizeof r->output_sha256, "%s", text_of(line, "output_sha256"));
    return cell_result_add(r, &b);
}

static int restore_setup(struct experiment *e, const json_t *line)
{
    const size_t i = cell_of(e, line);
    if (i == e->plan->n_cells)
        return -EINVAL;
    struct cell_result *r = &e->results[i];
    struct group *g = &e->plan->groups[e->plan->cells[i].group];
    json_decref(r->setup);
    json_decref(r->load);
    r->setup = json_incref(json_object_get(line, "setup"));
    r->load = json_incref(json_object_get(line, "load"));
    snprintf(g->embedding, sizeof g->embedding, "%s", text_of(r->load, "embedding"));
    return 0;
}

static int restore_warmup(struct experiment *e, const json_t *line)
{
    const size_t i = cell_of(e, line);
    if (i == e->plan->n_cells)
        return -EINVAL;
    return samples_push(&e->results[i].warmup_s, json_number_value(json_object_get(line, "time_s")));
}

static int restore_peaks(struct experiment *e, const json_t *line)
{
    const size_t i = contest_of(e, line);
    if (i == e->schedule.n_contests)
        return -EINVAL;
    const struct block_peaks p = block_peaks_from_json(json_object_get(line, "peaks"));
    return experiment_keep_peaks(e, i, (unsigned)json_integer_value(json_object_get(line, "round")), &p, text_of(line, "isa"));
}

static int restore_contest(struct experiment *e, const json_t *line)
{
    const size_t i = contest_of(e, line);
    if (i == e->schedule.n_contests)
        return -EINVAL;
    const struct contest *c = &e->schedule.contests[i];
    contest_state_add(&e->contests[i], (unsigned)json_integer_value(json_object_get(line, "pass")),
                      (unsigned)json_integer_value(json_object_get(line, "rounds")),
                      json_number_value(json_object_get(line, "duration_s")), text_of(line, "stop"));
    for (size_t k = 0; k < c->n_cells; k++)
        snprintf(e->results[c->cells[k]].stop, CELL_STOP_LEN, "%s", text_of(line, "stop"));
    return 0;
}

static int restore_failure(struct experiment *e, const json_t *line)
{
    const size_t i = cell_of(e, line);
    if (i == e->plan->n_cells)
        return -EINVAL;
    e->results[i].status = CELL_FAILED;
    snprintf(e->results[i].reason, sizeof e->results[i].reason, "%s", text_of(line, "reason"));
    return 0;
}

static int restore_cell(struct experiment *e, const json_t *line)
{
    const size_t i = cell_of(e, line);
    if (i == e->plan->n_cells)
        return -EINVAL;
    struct cell_result *r = &e->results[i];
    const char *status = text_of(line, "status");
    r->status = !strcmp(status, "ok") ? CELL_OK : !strcmp(status, "skipped") ? CELL_SKIPPED : CELL_FAILED;
    snprintf(r->reason, sizeof r->reason, "%s", text_of(line, "reason"));
    e->cell_done[i] = true;
    return 0;
}

static int restore_energy(struct experiment *e, const json_t *line)
{
    json_decref(e->energy[0]);
    e->energy[0] = json_incref(json_object_get(line, "energy"));
    return 0;
}

static int restore_overhead(struct experiment *e, const json_t *line)
{
    json_t *o = json_copy((json_t *)line);
    json_object_del(o, "type");
    return json_object_set_new(e->record->root, "overhead", o) ? -ENOMEM : 0;
}

int resume_restore(struct experiment *e, const json_t *lines)
{
    static const struct {
        const char *type;
        int (*restore)(struct experiment *e, const json_t *line);
    } types[] = {{"setup", restore_setup},      {"block", restore_block},      {"sample", restore_warmup},
                 {"peak_block", restore_peaks}, {"contest", restore_contest},  {"cell", restore_cell},
                 {"failure", restore_failure},  {"energy", restore_energy},    {"overhead", restore_overhead}};
    size_t i;
    json_t *line;
    int rc = 0;
    json_array_foreach(lines, i, line)
    {
        for (size_t k = 0; k < sizeof types / sizeof types[0] && !rc; k++)
            if (!strcmp(text_of(line, "type"), types[k].type))
                rc = types[k].restore(e, line);
    }
    for (size_t k = 0; k < e->n_round_peaks; k++) /* blocks may stand behind the peaks of their round */
        experiment_give_peaks(e, &e->round_peaks[k]);
    for (size_t k = 0; k < e->plan->n_cells && !rc; k++)
        if (e->cell_done[k])
            cell_result_settle(&e->results[k]);
    return rc;
}
