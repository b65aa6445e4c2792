/* CPU identity from /proc/cpuinfo: model, vendor, stepping, microcode, the instruction sets that matter to the kernels.
 *
 * x86 prints a model name; on ARM the MIDR fields of every core are translated (host_midr.c) and different core types are joined
 * by " + ". x86 lines are read of the first CPU: mixed steppings are not told apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "profiles/host_facts.h"
#include "profiles/sysfile.h"

/* The kernel's names, x86 ("flags") and ARM ("Features"). */
static const char *const interesting[] = {
    "avx",      "avx2",        "fma",         "f16c",        "avx_vnni", "avx512f",  "avx512bw", "avx512vl",
    "avx512dq", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd",
    "asimdhp",  "asimddp",     "i8mm",        "bf16",        "sve",      "sve2",     "svei8mm",  "sme",
};

static int64_t number_field(const char *cpuinfo, const char *key)
{
    char value[64];
    uint64_t v;
    return text_field(cpuinfo, key, ':', value, sizeof value) || parse_u64(value, &v) || v > INT64_MAX ? HOST_UNKNOWN : (int64_t)v;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

static void append(char *list, size_t len, const char *separator, const char *item)
{
    size_t used = strlen(list);
    snprintf(list + used, len - used, "%s%s", used ? separator : "", item);
}

static void read_features(const char *cpuinfo, struct host_facts *f)
{
    char flags[8192];
    if (text_field(cpuinfo, "flags", ':', flags, sizeof flags) && text_field(cpuinfo, "Features", ':', flags, sizeof flags))
        return;
    for (size_t i = 0; i < sizeof interesting / sizeof interesting[0]; i++)
        if (has_word(flags, interesting[i]))
            append(f->cpu_features, sizeof f->cpu_features, ",", interesting[i]);
}

/* Each core prints "CPU implementer : 0x41", "CPU variant : 0x3", "CPU part : 0xd0c", "CPU revision : 1" in this order. */
static void read_midr(const char *cpuinfo, struct host_facts *f)
{
    unsigned implementer = 0, part;
    char name[96];
    for (const char *line = cpuinfo; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (sscanf(line, "CPU implementer : %x", &implementer) == 1 || sscanf(line, "CPU part : %x", &part) != 1)
            continue;
        host_midr_name(implementer, part, name, sizeof name, f->vendor, sizeof f->vendor);
        if (!strstr(f->cpu_model, name))
            append(f->cpu_model, sizeof f->cpu_model, " + ", name);
    }
}

/* cpuinfo passes through a user-mode emulator unchanged and then shows the fields of another architecture. */
static bool is_emulated(const char *cpuinfo)
{
    char value[64];
#if defined(__x86_64__)
    const char *own = "vendor_id", *foreign = "CPU implementer";
#else
    const char *own = "CPU implementer", *foreign = "vendor_id";
#endif
    return text_field(cpuinfo, own, ':', value, sizeof value) && !text_field(cpuinfo, foreign, ':', value, sizeof value);
}

void host_cpu_read(const struct probe_env *env, struct host_facts *f)
{
    struct utsname u;
    f->family = f->model = f->stepping = HOST_UNKNOWN;
    if (!uname(&u))
        snprintf(f->arch, sizeof f->arch, "%s", u.machine);
    char *cpuinfo = sysfile_all(env_procfs(env), "cpuinfo");
    if (!cpuinfo)
        return;
    if (text_field(cpuinfo, "model name", ':', f->cpu_model, sizeof f->cpu_model))
        read_midr(cpuinfo, f);
    if (!f->vendor[0])
        text_field(cpuinfo, "vendor_id", ':', f->vendor, sizeof f->vendor);
    f->family = number_field(cpuinfo, "cpu family");
    f->model = number_field(cpuinfo, "model");
    f->stepping = number_field(cpuinfo, "stepping");
    text_field(cpuinfo, "microcode", ':', f->microcode, sizeof f->microcode);
    read_features(cpuinfo, f);
    f->emulated = is_emulated(cpuinfo);
    free(cpuinfo);
}
