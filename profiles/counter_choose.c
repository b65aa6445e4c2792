/* Finds the folder of the group files as the configs are found, and a group by its name.
 *
 * All files are read whenever counters are wanted: a mistake in one is told at once, not on the machine that needs it. */
#include "profiles/counter_choose.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/counter_sysfs.h"

enum { PATH_LEN = 1024, NAMES_LEN = 256 };

/* The i-th candidate for the folder; false after the last. */
static bool candidate(unsigned i, char buf[PATH_LEN])
{
    char exe[PATH_LEN / 2] = "";
    const char *env = getenv("BITJOULE_GROUPS");
    if (i == 0 || i == 3) {
        snprintf(buf, PATH_LEN, "%s", i == 3 ? "profiles/groups" : env ? env : "");
        return true;
    }
    if (i > 3)
        return false;
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    snprintf(buf, PATH_LEN, "%s/%s", exe, i == 1 ? "../profiles/groups" : "../share/bitjoule/groups");
    return true;
}

static int is_group_file(const struct dirent *e)
{
    const size_t n = strlen(e->d_name);
    return n > 4 && strcmp(e->d_name + n - 4, ".txt") == 0;
}

static int read_all(struct counter_library *lib, const char *dir, struct dirent **list, int n, char err[GROUP_ERR_LEN])
{
    char path[PATH_LEN + 260];
    int rc = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        free(list[i]);
        if (!rc && lib->n == CHOOSE_FAMILIES) {
            snprintf(err, GROUP_ERR_LEN, "%.400s: more than %d files of counter groups", dir, CHOOSE_FAMILIES);
            rc = -E2BIG;
        }
        rc = rc ? rc : counter_family_read(path, &lib->family[lib->n], err);
        lib->n += !rc;
    }
    return rc;
}

int counter_library_read(struct counter_library *lib, char err[GROUP_ERR_LEN])
{
    char dir[PATH_LEN];
    *lib = (struct counter_library){.n = 0};
    for (unsigned i = 0; candidate(i, dir); i++) {
        struct dirent **list;
        const int n = dir[0] ? scandir(dir, &list, is_group_file, alphasort) : -1;
        if (n == 0)
            free(list);
        if (n <= 0)
            continue;
        const int rc = read_all(lib, dir, list, n, err);
        free(list);
        return rc;
    }
    snprintf(err, GROUP_ERR_LEN, "no counter groups found (profiles/groups/*.txt; set BITJOULE_GROUPS to their folder)");
    return -ENOENT;
}

void counter_library_free(struct counter_library *lib)
{
    for (size_t i = 0; i < lib->n; i++)
        counter_family_free(lib->family[i]);
    lib->n = 0;
}

bool counter_family_of(const struct counter_family *f, const char *backend)
{
    return (strncmp(f->name, "papi", 4) == 0) == (strcmp(backend, "papi") == 0);
}

bool counter_fits(const struct counter_tables *t, const struct counter_group *g, const char **pmu)
{
    *pmu = g->pmus.n ? counter_pmu_here(t, &g->pmus) : NULL;
    return (!g->pmus.n || *pmu) && (!g->uncore.n || counter_uncore_fits(t, g));
}

/* Of the groups of that name the one that fits best; a family that was named need not fit. */
static const struct counter_group *find(const struct counter_library *lib, const struct counter_tables *t, const char *backend,
                                        const char *family, const char *name, const char **pmu)
{
    const struct counter_group *best = NULL;
    const char *here;
    int best_rank = 0; /* 1: named, but of another machine; 2: for any CPU; 3: for this one */
    for (size_t f = 0; f < lib->n; f++) {
        if (!counter_family_of(lib->family[f], backend) || (family && strcmp(lib->family[f]->name, family) != 0))
            continue;
        for (size_t i = 0; i < lib->family[f]->n; i++) {
            const struct counter_group *g = &lib->family[f]->group[i];
            if (strcmp(g->name, name) != 0)
                continue;
            const int rank = counter_fits(t, g, &here) ? here || g->uncore.n ? 3 : 2 : family ? 1 : 0;
            if (rank > best_rank) {
                best = g;
                best_rank = rank;
                *pmu = rank == 1 && g->pmus.n ? g->pmus.name[0] : here;
            }
        }
    }
    return best;
}

/* Names of groups that could have been meant, each once. */
static void list_names(const struct counter_library *lib, const struct counter_tables *t, const char *backend, char out[NAMES_LEN])
{
    const char *pmu;
    size_t used = 0;
    out[0] = '\0';
    for (size_t f = 0; f < lib->n; f++)
        for (size_t i = 0; i < lib->family[f]->n; i++) {
            const struct counter_group *g = &lib->family[f]->group[i];
            char padded[NAMES_LEN + 4], wanted[GROUP_NAME_LEN + 4];
            snprintf(padded, sizeof padded, " %s,", out);
            snprintf(wanted, sizeof wanted, " %s,", g->name);
            if (!counter_family_of(lib->family[f], backend) || !counter_fits(t, g, &pmu) || strstr(padded, wanted))
                continue;
            const int n = snprintf(out + used, NAMES_LEN - used, "%s%s", used ? ", " : "", g->name);
            used = n > 0 && used + (size_t)n < NAMES_LEN ? used + (size_t)n : used;
            out[used] = '\0';
        }
}

/* The PMUs that groups of this name would need, when there are such; empty: none. */
static void list_needs(const struct counter_library *lib, const char *backend, const char *name, char out[NAMES_LEN])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t f = 0; f < lib->n; f++)
        for (size_t i = 0; i < lib->family[f]->n && counter_family_of(lib->family[f], backend); i++) {
            const struct counter_group *g = &lib->family[f]->group[i];
            for (size_t k = 0; k < g->uncore.n && !strcmp(g->name, name); k++) {
                char padded[NAMES_LEN + 4], wanted[GROUP_NAME_LEN + 4];
                snprintf(padded, sizeof padded, " %s,", out);
                snprintf(wanted, sizeof wanted, " %s,", g->uncore.name[k]);
                if (!strstr(padded, wanted) && used < NAMES_LEN - GROUP_NAME_LEN - 2)
                    used += (size_t)snprintf(out + used, NAMES_LEN - used, "%s%s", used ? ", " : "", g->uncore.name[k]);
            }
        }
}

static int choose_one(const struct counter_library *lib, const struct counter_tables *t, const char *backend, const char *word,
                      struct counter_choice *out, char err[GROUP_ERR_LEN])
{
    char family[GROUP_NAME_LEN] = "", names[NAMES_LEN];
    const char *slash = strchr(word, '/'), *pmu = NULL;
    if (slash)
        snprintf(family, sizeof family, "%.*s", (int)(slash - word), word);
    *out = (struct counter_choice){.group = find(lib, t, backend, slash ? family : NULL, slash ? slash + 1 : word, &pmu)};
    if (out->group) {
        snprintf(out->pmu, sizeof out->pmu, "%s", pmu ? pmu : "");
        return 0;
    }
    list_needs(lib, backend, word, names);
    if (names[0]) {
        snprintf(err, GROUP_ERR_LEN,
                 "counter group '%.60s' needs one of the PMUs %s, and this machine shows none of them (a virtual machine has none)",
                 word, names);
        return -EINVAL;
    }
    list_names(lib, t, backend, names);
    snprintf(err, GROUP_ERR_LEN, "'%.60s': no such counter group for this machine; there are: %s", word, names);
    return -EINVAL;
}

int counter_choose(const struct counter_library *lib, const struct counter_tables *t, const char *backend, const char *list,
                   struct counter_choice out[CHOOSE_GROUPS], char err[GROUP_ERR_LEN])
{
    int n = 0;
    for (const char *at = list; *at || n == 0;) {
        char word[2 * GROUP_NAME_LEN];
        const size_t len = strcspn(at, ",");
        if (len == 0 || len >= sizeof word) {
            snprintf(err, GROUP_ERR_LEN, "'%.60s': expected names of counter groups, separated by commas", list);
            return -EINVAL;
        }
        if (n == CHOOSE_GROUPS) {
            snprintf(err, GROUP_ERR_LEN, "'%.60s': more than %d counter groups", list, CHOOSE_GROUPS);
            return -EINVAL;
        }
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        const int rc = choose_one(lib, t, backend, word, &out[n], err);
        if (rc)
            return rc;
        n++;
        at += len;
        if (*at == ',' && !at[1]) {
            snprintf(err, GROUP_ERR_LEN, "'%.60s': a name is missing after the last comma", list);
            return -EINVAL;
        }
        at += *at == ',';
    }
    return n;
}
