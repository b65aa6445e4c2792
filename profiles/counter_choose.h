/* Where the group files are, and which group a name means on this machine. Internal to profiles/. */
#ifndef BITJOULE_COUNTER_CHOOSE_H
#define BITJOULE_COUNTER_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "profiles/counter_event.h"
#include "profiles/counter_group.h"

enum { CHOOSE_FAMILIES = 32, CHOOSE_GROUPS = 8 };

struct counter_library {
    struct counter_family *family[CHOOSE_FAMILIES];
    size_t n;
};

/* A group that was asked for; group NULL: there is none of that name for this machine, see problem. */
struct counter_choice {
    const struct counter_group *group;
    char pmu[GROUP_NAME_LEN]; /* libpfm4's, for the names in it; empty: none */
};

/* Reads every .txt file of the groups folder: $BITJOULE_GROUPS, ../profiles/groups beside the executable, ../share/bitjoule/groups,
 * ./profiles/groups. 0, or a negative errno and one line in err; free it in both cases. */
int counter_library_read(struct counter_library *lib, char err[GROUP_ERR_LEN]);
void counter_library_free(struct counter_library *lib);

/* True for the families of a back-end: papi has those whose name begins with "papi", perf all others. */
bool counter_family_of(const struct counter_family *f, const char *backend);
/* True when the group can be counted on this machine by what its pmu line says; *pmu: the first that is here, NULL: none needed. */
bool counter_fits(const struct counter_tables *t, const struct counter_group *g, const char **pmu);

/* Resolves "NAME[,NAME]...", each a group or FAMILY/GROUP: a family with a pmu line that fits before one for any CPU. Returns how
 * many, at most CHOOSE_GROUPS; -EINVAL and one line in err when one of them is not there or the list is too long. */
int counter_choose(const struct counter_library *lib, const struct counter_tables *t, const char *backend, const char *list,
                   struct counter_choice out[CHOOSE_GROUPS], char err[GROUP_ERR_LEN]);

#endif
