/* Loads PAPI when it is asked for, in the version that its header describes. The program starts without it. */
#include "profiles/papi_library.h"

#ifdef HAVE_PAPI
#include <papi.h>
#include <stdio.h>
#include <string.h>

#include "profiles/shared_object.h"

static struct {
    __typeof__(PAPI_library_init) *library_init;
    __typeof__(PAPI_get_component_index) *get_component_index;
    __typeof__(PAPI_get_component_info) *get_component_info;
    __typeof__(PAPI_create_eventset) *create_eventset;
    __typeof__(PAPI_assign_eventset_component) *assign_eventset_component;
    __typeof__(PAPI_set_opt) *set_opt;
    __typeof__(PAPI_attach) *attach;
    __typeof__(PAPI_add_named_event) *add_named_event;
    __typeof__(PAPI_start) *start;
    __typeof__(PAPI_read) *read;
    __typeof__(PAPI_stop) *stop;
    __typeof__(PAPI_cleanup_eventset) *cleanup_eventset;
    __typeof__(PAPI_destroy_eventset) *destroy_eventset;
    __typeof__(PAPI_shutdown) *shutdown;
    __typeof__(PAPI_strerror) *strerror;
} lib;

static bool load(void)
{
    char name[32];
    snprintf(name, sizeof name, "libpapi.so.%d.%d", PAPI_VERSION_MAJOR(PAPI_VERSION), PAPI_VERSION_MINOR(PAPI_VERSION));
    const struct so_symbol wanted[] = {
        {"PAPI_library_init", &lib.library_init},
        {"PAPI_get_component_index", &lib.get_component_index},
        {"PAPI_get_component_info", &lib.get_component_info},
        {"PAPI_create_eventset", &lib.create_eventset},
        {"PAPI_assign_eventset_component", &lib.assign_eventset_component},
        {"PAPI_set_opt", &lib.set_opt},
        {"PAPI_attach", &lib.attach},
        {"PAPI_add_named_event", &lib.add_named_event},
        {"PAPI_start", &lib.start},
        {"PAPI_read", &lib.read},
        {"PAPI_stop", &lib.stop},
        {"PAPI_cleanup_eventset", &lib.cleanup_eventset},
        {"PAPI_destroy_eventset", &lib.destroy_eventset},
        {"PAPI_shutdown", &lib.shutdown},
        {"PAPI_strerror", &lib.strerror},
    };
    return shared_object_load(name, wanted, sizeof wanted / sizeof wanted[0]);
}

static int real_init(void)
{
    const int rc = lib.library_init(PAPI_VER_CURRENT);
    return rc == PAPI_VER_CURRENT ? 0 : rc < 0 ? rc : PAPI_EINVAL;
}

static bool real_has_component(const char *name)
{
    const int index = lib.get_component_index(name);
    const PAPI_component_info_t *info = index < 0 ? NULL : lib.get_component_info(index);
    return info && !info->disabled;
}

static int attach_cpu(int set, int cpu)
{
    PAPI_option_t opt;
    memset(&opt, 0, sizeof opt);
    opt.cpu.eventset = set;
    opt.cpu.cpu_num = (unsigned)cpu;
    const int rc = lib.set_opt(PAPI_CPU_ATTACH, &opt);
    memset(&opt, 0, sizeof opt);
    opt.granularity.eventset = set;
    opt.granularity.granularity = PAPI_GRN_SYS;
    return rc ? rc : lib.set_opt(PAPI_GRANUL, &opt);
}

static int attach_pid(int set, pid_t pid)
{
    PAPI_option_t opt;
    memset(&opt, 0, sizeof opt);
    opt.inherit.eventset = set;
    opt.inherit.inherit = PAPI_INHERIT_ALL;
    const int rc = lib.set_opt(PAPI_INHERIT, &opt);
    return rc ? rc : lib.attach(set, (unsigned long)pid);
}

static int all_modes(int set)
{
    PAPI_option_t opt;
    memset(&opt, 0, sizeof opt);
    opt.domain.eventset = set;
    opt.domain.domain = PAPI_DOM_ALL;
    return lib.set_opt(PAPI_DOMAIN, &opt);
}

static int real_new_set(const struct papi_target *t, int *set)
{
    *set = PAPI_NULL;
    int rc = lib.create_eventset(set);
    rc = rc ? rc : lib.assign_eventset_component(*set, t->component ? lib.get_component_index(t->component) : 0);
    if (!rc && t->cpu >= 0)
        rc = attach_cpu(*set, t->cpu);
    if (!rc && t->cpu >= 0 && t->component)
        rc = all_modes(*set);
    return !rc && t->pid >= 0 ? attach_pid(*set, t->pid) : rc;
}

static int real_add(int set, const char *event)
{
    return lib.add_named_event(set, event);
}

static int real_start(int set)
{
    return lib.start(set);
}

static int real_read(int set, long long *values)
{
    return lib.read(set, values);
}

static int real_stop(int set, long long *values)
{
    return lib.stop(set, values);
}

static void real_end(int set)
{
    lib.cleanup_eventset(set);
    lib.destroy_eventset(&set);
}

static void real_shutdown(void)
{
    lib.shutdown();
}

static const char *real_error(int code)
{
    return lib.strerror(code);
}

const struct papi_api *papi_library(const char **why)
{
    static const struct papi_api api = {.init = real_init,
                                        .has_component = real_has_component,
                                        .new_set = real_new_set,
                                        .add = real_add,
                                        .start = real_start,
                                        .read = real_read,
                                        .stop = real_stop,
                                        .end = real_end,
                                        .shutdown = real_shutdown,
                                        .error = real_error};
    *why = "the PAPI library that this program was built for is not installed (Debian: libpapi7.0)";
    return load() ? &api : NULL;
}
#else
#include <stddef.h>

const struct papi_api *papi_library(const char **why)
{
    *why = "this program was built without PAPI (Debian: libpapi-dev)";
    return NULL;
}
#endif
