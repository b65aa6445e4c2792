/* Gathers what a reader needs in order to judge and redo a run. An input that cannot be hashed stays in the list with a null
 * hash: the cells that need it will say why. */
#include "harness/run_header.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "engine/config_path.h"
#include "harness/build_info.h"
#include "harness/json_util.h"
#include "harness/sha256.h"
#include "profiles/host_info.h"

void utc_now(char buf[32])
{
    const time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

json_t *run_tool_json(void)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "name", "bitjoule", "version", build_info.version, "commit", build_info.commit,
                     "dirty", (int)build_info.dirty);
}

json_t *run_build_json(void)
{
    json_t *libraries = json_object();
    for (const struct build_library *l = build_info.libraries; l->name; l++)
        json_object_set_new(libraries, l->name, json_text_or_null(l->version));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "compiler", build_info.compiler, "cflags", build_info.cflags, "ldflags",
                     build_info.ldflags, "arch", build_info.arch, "isas", build_info.isas, "libraries", libraries, "sanitizers",
                     build_info.sanitizers);
}

/* ---- inputs --------------------------------------------------------------------------------------------------------- */

static void add_input(json_t *list, const char *path)
{
    size_t i;
    json_t *known;
    char hex[SHA256_HEX_LEN];
    uint64_t bytes = 0;
    json_array_foreach(list, i, known)
    {
        const char *p = json_string_value(json_object_get(known, "path"));
        if (p && !strcmp(p, path))
            return;
    }
    const bool ok = !sha256_file(path, hex, &bytes);
    json_array_append_new(list,
                          json_pack("{s:s, s:o, s:o}", "path", path, "bytes", ok ? json_integer((json_int_t)bytes) : json_null(),
                                    "sha256", ok ? json_string(hex) : json_null()));
}

/* The suite, every model file (of a synthetic model the shape), the texts. */
static json_t *inputs_json(const struct suite *s, const struct plan *p)
{
    json_t *list = json_array();
    char path[4096];
    if (s->path)
        add_input(list, s->path);
    for (size_t i = 0; i < p->n_groups; i++) {
        const char *spec = p->groups[i].spec;
        if (strncmp(spec, "synth:", 6))
            add_input(list, spec);
        else if (!config_path("models", spec + 6, path, sizeof path))
            add_input(list, path);
    }
    for (size_t i = 0; i < p->n_groups; i++)
        if (p->groups[i].program)
            add_input(list, p->groups[i].program);
    for (size_t i = 0; i < s->lossless.models.n; i++) {
        suite_resolve(s, s->lossless.models.v[i], path, sizeof path);
        add_input(list, path);
    }
    const char *const texts[] = {s->quality.models.n ? s->quality.text : NULL, s->lossless.models.n ? s->lossless.text : NULL};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i]) {
            suite_resolve(s, texts[i], path, sizeof path);
            add_input(list, path);
        }
    return list;
}

/* ---- run ------------------------------------------------------------------------------------------------------------ */

static void run_id(char hex[17])
{
    unsigned char bytes[8];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) { /* only before the kernel's pool is ready */
        const time_t now = time(NULL);
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, &now, sizeof now < sizeof bytes ? sizeof now : sizeof bytes);
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

json_t *run_command_json(int argc, char **argv)
{
    json_t *list = json_pack("[s]", "bitjoule");
    for (int i = 0; i < argc; i++) {
        json_t *arg = json_string(argv[i]);
        json_array_append_new(list, arg ? arg : json_string("(not UTF-8)"));
    }
    return list;
}

static json_t *settings_json(const struct suite *s)
{
    return json_pack("{s:i, s:f, s:f, s:o, s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:o, s:s, s:o}", "warmup", (int)s->warmup, "block_s",
                     s->block_s, "block_energy_s", s->block_energy_s, "rounds", s->rounds ? json_integer(s->rounds) : json_null(),
                     "min_rounds", (int)s->min_rounds, "max_rounds", (int)s->max_rounds, "repeats", (int)s->repeats, "precision",
                     s->precision, "contest_s", s->contest_s, "passes", (int)suite_passes(s), "timeout_s", s->timeout_s, "isa",
                     json_text_or_null(s->isa), "counters", s->counters ? s->counters : "perf", "counter_group",
                     json_text_or_null(s->counter_group));
}

static json_t *run_json(const struct suite *s, int argc, char **argv)
{
    char id[17], utc[32], hex[SHA256_HEX_LEN];
    uint64_t bytes;
    run_id(id);
    utc_now(utc);
    const bool hashed = s->path && !sha256_file(s->path, hex, &bytes);
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:I, s:b, s:o}", "id", id, "started_utc", utc, "command",
                     run_command_json(argc, argv), "suite", s->name, "suite_sha256", hashed ? json_string(hex) : json_null(),
                     "seed", (json_int_t)s->seed, "interrupted", 0, "settings", settings_json(s));
}

json_t *run_header_json(const struct suite *s, const struct plan *p, int argc, char **argv, const struct probe_env *env)
{
    char hex[SHA256_HEX_LEN];
    uint64_t bytes;
    json_t *build = run_build_json();
    const bool hashed = !sha256_file("/proc/self/exe", hex, &bytes);
    json_object_set_new(build, "binary_sha256", hashed ? json_string(hex) : json_null());
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "tool", run_tool_json(), "run", run_json(s, argc, argv), "host",
                     host_info_json(env), "warnings", host_warnings_json(env), "build", build, "inputs", inputs_json(s, p));
}
