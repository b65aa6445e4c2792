/* Builds records with jansson; the fields are those of harness/README.md that comparing needs. */
#include "tests/made_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/mix64.h"

static double uniform(uint64_t seed, uint64_t i) /* (0, 1) */
{
    return ((double)(random_at(mix64(seed), i) >> 11) + 0.5) * 0x1p-53;
}

double made_normal(uint64_t seed, uint64_t i)
{
    return sqrt(-2 * log(uniform(seed, 2 * i))) * cos(6.283185307179586 * uniform(seed, 2 * i + 1));
}

json_t *made_record(void)
{
    return json_pack(
        "{s:i, s:{s:s, s:s, s:b}, s:{s:s, s:s, s:i, s:{s:n}}, s:{s:s, s:s, s:i, s:i, s:i, s:n, s:n, s:s, s:s, s:s}, s:[], "
        "s:{s:s, s:s, s:s, s:s}, s:[{s:s, s:s}], s:[], s:{s:{s:n, s:n}}}",
        "schema", 1, "tool", "version", "0.1.0", "commit", "abc1234", "dirty", 0, "run", "id", "00112233", "started_utc",
        "2026-01-02T03:04:05Z", "seed", 1, "settings", "isa", "host", "arch", "x86_64", "cpu_model", "Synthetic CPU", "sockets", 1,
        "cores", 2, "threads", 2, "governor", "turbo", "hypervisor", "KVM", "thp_enabled", "madvise", "kernel",
        "Linux 6.1.0-synthetic", "warnings", "build", "compiler", "gcc 12.2.0", "cflags", "-O2", "isas", "avx2", "sanitizers", "",
        "inputs", "path", "configs/models/125m.ini", "sha256", "00ff", "cells", "energy", "source", "name", "kind");
}

static json_t *cell_json(const char *id, double bytes)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:n, s:[], s:i, s:s, s:{s:i, s:f}, s:[{s:s, s:f, s:s, s:s}]}", "id", id, "test",
                     "tg32", "kv", "f16", "cpus", "0", "status", "ok", "reason", "samples_s", "repetitions", 1, "output_sha256",
                     "ab12", "work", "tokens", 32, "bytes", bytes, "metrics", "name", "rss_peak_bytes", "value", 1e8, "unit",
                     "bytes", "status", "measured");
}

json_t *made_cell_add(json_t *record, const struct made_cell *c)
{
    json_t *cell = cell_json(c->id, c->bytes), *samples = json_object_get(cell, "samples_s");
    for (size_t i = 0; i < c->n; i++)
        json_array_append_new(samples, json_real(c->seconds * exp(c->noise * made_normal(c->seed, i))));
    json_array_append_new(json_object_get(record, "cells"), cell);
    return cell;
}

static void arm_add(json_t *record, const struct made_cell *c, const char *arm, uint64_t own, double round_noise, double ratio)
{
    char id[256];
    snprintf(id, sizeof id, "%s/%s", c->id, arm);
    json_t *cell = cell_json(id, c->bytes), *blocks = json_array();
    for (size_t i = 0; i < c->n; i++) {
        const double shared = round_noise * made_normal(c->seed, i);
        const double s = c->seconds * ratio * exp(shared + c->noise * made_normal(c->seed + own, i));
        json_array_append_new(blocks, json_pack("{s:i, s:i, s:i, s:f, s:i, s:n, s:n}", "batch", 1, "round", (int)i + 1,
                                                "repetitions", 4, "time_s", 4 * s, "tokens", 128, "energy_j", "void"));
    }
    json_object_set_new(cell, "arm", json_string(arm));
    json_object_set_new(cell, "blocks", blocks);
    json_array_append_new(json_object_get(record, "cells"), cell);
}

void made_arms_add(json_t *record, const struct made_cell *base, double round_noise, double ratio)
{
    arm_add(record, base, "base", 1000, round_noise, 1);
    arm_add(record, base, "new", 2000, round_noise, ratio);
}
