/* Loads two records for compare and gate; formats of the refusal. */
#include "harness/record_pair.h"

#include <stdio.h>
#include <string.h>

#include "engine/args.h"
#include "harness/saved_record.h"

int record_pair_allow(const char *command, struct record_pair *p, char *text)
{
    char *rest = NULL;
    for (char *key = strtok_r(text, ", ", &rest); key; key = strtok_r(NULL, ", ", &rest)) {
        if (!machine_key_known(key))
            return args_complain(command, EXIT_BAD_INPUT, "--allow-different '%s': no such key; there are: %s", key,
                                 machine_key_names());
        if (p->n_allowed < MACHINE_KEYS_MAX)
            p->allowed[p->n_allowed++] = key;
    }
    return 0;
}

static bool is_allowed(const struct record_pair *p, const char *key)
{
    for (size_t i = 0; i < p->n_allowed; i++)
        if (!strcmp(p->allowed[i], key))
            return true;
    return false;
}

size_t record_pair_match(struct record_pair *p, struct machine_difference refused[MACHINE_KEYS_MAX])
{
    struct machine_difference found[MACHINE_KEYS_MAX];
    const size_t n = machine_differences(p->base, p->fresh, found);
    size_t n_refused = 0;
    p->n_differences = 0;
    for (size_t i = 0; i < n; i++)
        if (is_allowed(p, found[i].key))
            p->differences[p->n_differences++] = found[i];
        else
            refused[n_refused++] = found[i];
    return n_refused;
}

int record_pair_load(const char *command, struct record_pair *p, const char *base, const char *fresh)
{
    char err[SAVED_ERR_LEN];
    struct machine_difference refused[MACHINE_KEYS_MAX];
    int status = 0;
    p->base = saved_record_load(base, err);
    p->fresh = p->base ? saved_record_load(fresh, err) : NULL;
    if (!p->fresh)
        return args_complain(command, EXIT_BAD_INPUT, "%s", err);
    const size_t n = record_pair_match(p, refused);
    for (size_t i = 0; i < n; i++)
        status =
            args_complain(command, EXIT_BAD_INPUT, "the records are not alike: %s is '%s' and '%s'; --allow-different %s takes it",
                          refused[i].key, refused[i].base, refused[i].fresh, refused[i].key);
    return status;
}

void record_pair_free(struct record_pair *p)
{
    json_decref(p->base);
    json_decref(p->fresh);
    p->base = p->fresh = NULL;
}
