/* Files of the kernel's control groups, written by hand: four lines would be all of a library that we use. O_CREAT is for simulated
 * trees; in a real one the kernel refuses to create what is not there. */
#include "harness/mem_group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profiles/sysfile.h"

static int put(const struct mem_group *g, const char *file, const char *value)
{
    char path[MEM_GROUP_PATH_LEN + 32];
    snprintf(path, sizeof path, "%s/%s", g->path, file);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    const int rc = write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : errno ? -errno : -EIO;
    close(fd);
    return rc;
}

/* The line "0::/PATH" of /proc/self/cgroup. */
static bool own_group(const struct probe_env *env, char *path, size_t len)
{
    char *text = sysfile_all(env_procfs(env), "self/cgroup"), *rest = NULL;
    bool found = false;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && !found; line = strtok_r(NULL, "\n", &rest))
        if (!strncmp(line, "0::/", 4)) {
            snprintf(path, len, "%s", line[4] ? line + 3 : "");
            found = true;
        }
    free(text);
    return found;
}

static bool lists_memory(const char *controllers)
{
    for (const char *p = strstr(controllers, "memory"); p; p = strstr(p + 1, "memory"))
        if ((p == controllers || p[-1] == ' ') && (p[6] == '\0' || p[6] == ' '))
            return true;
    return false;
}

static int refuse(char reason[MEM_GROUP_REASON_LEN], int rc, const char *why)
{
    snprintf(reason, MEM_GROUP_REASON_LEN, "%s", why);
    return rc;
}

int mem_group_make(const struct probe_env *env, double bytes, struct mem_group *g, char reason[MEM_GROUP_REASON_LEN])
{
    char own[512], controllers[256], value[32];
    g->path[0] = '\0';
    if (sysfile_text(controllers, sizeof controllers, env_sysfs(env), "fs/cgroup/cgroup.controllers") < 0 ||
        !own_group(env, own, sizeof own))
        return refuse(reason, -ENOENT, "this machine has no control groups of version 2");
    if (sysfile_text(controllers, sizeof controllers, env_sysfs(env), "fs/cgroup%s/cgroup.subtree_control", own) < 0 ||
        !lists_memory(controllers))
        return refuse(reason, -EPERM, "the memory controller is not enabled for groups below the one of this process");
    snprintf(g->path, sizeof g->path, "%s/fs/cgroup%s/bitjoule-%ld", env_sysfs(env), own, (long)getpid());
    if (mkdir(g->path, 0755) && errno != EEXIST) {
        const int rc = -errno;
        g->path[0] = '\0';
        snprintf(reason, MEM_GROUP_REASON_LEN, "a control group cannot be made: %s", strerror(-rc));
        return rc;
    }
    snprintf(value, sizeof value, "%.0f", bytes);
    const int rc = put(g, "memory.max", value);
    if (rc) {
        snprintf(reason, MEM_GROUP_REASON_LEN, "the memory limit of a control group cannot be set: %s", strerror(-rc));
        mem_group_remove(g);
        return rc;
    }
    put(g, "memory.swap.max", "0"); /* not there without swap accounting: then there is nothing to forbid */
    return 0;
}

bool mem_group_ended_one(const struct mem_group *g)
{
    char text[512];
    const char *p;
    if (!g->path[0] || sysfile_text(text, sizeof text, g->path, "memory.events") < 0)
        return false;
    p = strstr(text, "oom_kill ");
    return p && strtoul(p + strlen("oom_kill "), NULL, 10) > 0;
}

void mem_group_remove(struct mem_group *g)
{
    if (g->path[0] && rmdir(g->path))
        fprintf(stderr, "bitjoule: the control group %s cannot be removed: %s\n", g->path, strerror(errno));
    g->path[0] = '\0';
}
