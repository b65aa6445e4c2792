/* Blocks to and from JSON. Numbers that were not had are null there and NAN here. */
#include "harness/block.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/json_util.h"

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static unsigned count_of(const json_t *o, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(o, key));
    return v > 0 && v <= UINT32_MAX ? (unsigned)v : 0;
}

static json_t *array_of(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return json_is_array(v) ? json_incref(v) : NULL;
}

static void text_of(const json_t *o, const char *key, char text[BLOCK_REASON_LEN])
{
    const char *t = json_string_value(json_object_get(o, key));
    snprintf(text, BLOCK_REASON_LEN, "%s", t ? t : "");
}

static json_t *shared_or_null(json_t *v)
{
    return v ? json_incref(v) : json_null();
}

/* ---- peaks ---------------------------------------------------------------------------------------------------------- */

struct block_peaks block_no_peaks(void)
{
    return (struct block_peaks){(double)NAN, (double)NAN, (double)NAN};
}

json_t *block_peaks_json(const struct block_peaks *p)
{
    if (isnan(p->read_gb_s))
        return json_null();
    return json_pack("{s:f, s:f, s:f}", "read_gb_s", p->read_gb_s, "int8_gmac_s", p->int8_gmac_s, "fma_gmac_s", p->fma_gmac_s);
}

struct block_peaks block_peaks_from_json(const json_t *o)
{
    const struct block_peaks p = {number_of(o, "read_gb_s"), number_of(o, "int8_gmac_s"), number_of(o, "fma_gmac_s")};
    return p.read_gb_s > 0 && p.int8_gmac_s > 0 && p.fma_gmac_s > 0 ? p : block_no_peaks();
}

/* ---- blocks --------------------------------------------------------------------------------------------------------- */

/* What an answer and a line have in common. */
static bool take_common(const json_t *o, struct block *b)
{
    *b = (struct block){.repetitions = count_of(o, "repetitions"),
                        .time_s = number_of(o, "time_s"),
                        .window_s = number_of(o, "window_s"),
                        .energy_j = number_of(o, "energy_j"),
                        .energy_s = number_of(o, "energy_s"),
                        .peaks = block_no_peaks()};
    if (!b->repetitions || !(b->time_s > 0) || !(b->window_s > 0) || !json_is_array(json_object_get(o, "samples_s")))
        return false;
    text_of(o, "disturbed", b->disturbed);
    b->samples_s = array_of(o, "samples_s");
    b->token_s = array_of(o, "token_s");
    b->metrics = array_of(o, "metrics");
    b->state = array_of(o, "state");
    return true;
}

bool block_from_reply(const json_t *reply, double tokens_per_repetition, struct block *out)
{
    if (!take_common(reply, out))
        return false;
    out->tokens = tokens_per_repetition * out->repetitions;
    return true;
}

bool block_from_line(const json_t *line, struct block *out)
{
    if (!take_common(line, out))
        return false;
    out->batch = count_of(line, "batch");
    out->pass = count_of(line, "pass");
    out->round = count_of(line, "round");
    out->position = count_of(line, "position");
    out->start_s = number_of(line, "start_s");
    out->tokens = number_of(line, "tokens");
    text_of(line, "void", out->void_reason);
    return out->round > 0 && out->pass > 0;
}

json_t *block_entry_json(const struct block *b)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:i, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "batch", (int)b->batch, "pass",
                     (int)b->pass, "round", (int)b->round, "position", (int)b->position, "start_s", json_number_or_null(b->start_s),
                     "repetitions", (int)b->repetitions, "time_s", b->time_s, "window_s", b->window_s, "tokens",
                     json_number_or_null(b->tokens), "energy_j", json_number_or_null(b->energy_j), "energy_s",
                     json_number_or_null(b->energy_s), "peaks", block_peaks_json(&b->peaks), "void",
                     json_text_or_null(b->void_reason), "disturbed", json_text_or_null(b->disturbed));
}

json_t *block_line_json(const struct block *b)
{
    json_t *line = block_entry_json(b);
    json_t *raw = json_pack("{s:o, s:o, s:o, s:o}", "samples_s", shared_or_null(b->samples_s), "token_s",
                            shared_or_null(b->token_s), "metrics", shared_or_null(b->metrics), "state", shared_or_null(b->state));
    json_object_del(line, "peaks"); /* measured in the same round, perhaps later: lines of their own */
    if (!line || !raw || json_object_update(line, raw)) {
        json_decref(line);
        line = NULL;
    }
    json_decref(raw);
    return line;
}

void block_settle(struct block *b)
{
    json_t **parts[] = {&b->samples_s, &b->token_s, &b->metrics, &b->state};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        json_decref(*parts[i]);
        *parts[i] = NULL;
    }
}

void block_free(struct block *b)
{
    block_settle(b);
    *b = (struct block){0};
}
