/* Asks a worker, since a crash or the out-of-memory killer must not take the record along, and waits as long as timeout_s allows for
 * every arm. */
#include "harness/bench_lossless.h"

#include "harness/interrupt.h"
#include "harness/lossless.h"

enum { ARMS = 20 }; /* about: ternary formats by instruction sets, roundings, baselines */

static json_t *command(const struct suite *s, const char *path, const char *name)
{
    const struct lossless_suite *l = &s->lossless;
    char text[4096];
    suite_resolve(s, l->text, text, sizeof text);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i}", "cmd", "lossless", "model", path, "name", name, "text", text,
                     "prompts", (int)l->prompts, "prompt_tokens", (int)l->prompt_tokens, "tokens", (int)l->tokens, "window",
                     (int)l->window, "windows", (int)l->windows);
}

/* The entry of one model; its own when the worker cannot make it. */
static json_t *entry(const struct experiment *e, const char *path)
{
    char name[PLAN_NAME_LEN], reason[WORKER_REASON_LEN] = "";
    struct worker *w = NULL;
    json_t *reply = NULL;
    plan_model_name(path, name);
    if (!worker_start(e->options, NULL, &w, reason))
        worker_call(w, command(e->suite, path, name), ARMS * e->suite->timeout_s, &reply, reason);
    worker_stop(w);
    if (!reply)
        return json_pack("{s:s, s:s, s:s}", "model", name, "status", "failed", "reason", reason);
    json_object_set_new(reply, "status", json_string("ok"));
    json_object_set_new(reply, "reason", json_null());
    return reply;
}

int bench_lossless(struct experiment *e)
{
    const struct str_list *models = &e->suite->lossless.models;
    for (size_t i = 0; i < models->n && !e->record->rc && !interrupt_seen(); i++) {
        char path[4096];
        suite_resolve(e->suite, models->v[i], path, sizeof path);
        progress_note(e->progress, "lossless: output of every kernel and format, after the reference in plain C");
        record_line(e->record, "lossless", entry(e, path));
    }
    return e->record->rc;
}

void bench_lossless_print(FILE *out, const json_t *root)
{
    size_t i;
    const json_t *l;
    json_array_foreach(json_object_get(root, "lossless"), i, l)
    {
        const char *reason = json_string_value(json_object_get(l, "reason"));
        fputc('\n', out);
        if (reason)
            fprintf(out, "lossless: %s: %s\n", json_string_value(json_object_get(l, "model")), reason);
        else
            lossless_print(out, l);
    }
}
