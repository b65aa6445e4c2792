/* Finds configs/. The order makes a build folder, an installation and a test all work without settings. */
#include "engine/config_path.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LEN = 1024 };

static bool is_path(const char *name)
{
    const size_t n = strlen(name);
    return strchr(name, '/') || (n > 4 && strcmp(name + n - 4, ".ini") == 0);
}

/* The i-th candidate for the configs folder; false after the last. */
static bool candidate(unsigned i, char buf[PATH_LEN])
{
    char exe[PATH_LEN / 2] = "";
    const char *env = getenv("BITJOULE_CONFIGS");
    if (i == 0) {
        snprintf(buf, PATH_LEN, "%s", env ? env : "");
        return true;
    }
    if (i == 3) {
        snprintf(buf, PATH_LEN, "configs");
        return true;
    }
    if (i > 3)
        return false;
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    snprintf(buf, PATH_LEN, "%s/%s", exe, i == 1 ? "../configs" : "../share/bitjoule/configs");
    return true;
}

int config_path(const char *folder, const char *name, char *buf, size_t len)
{
    char dir[PATH_LEN];
    if (is_path(name)) {
        const int n = snprintf(buf, len, "%s", name);
        return n < 0 || (size_t)n >= len ? -ENAMETOOLONG : access(buf, R_OK) == 0 ? 0 : -ENOENT;
    }
    for (unsigned i = 0; candidate(i, dir); i++) {
        const int n = snprintf(buf, len, "%s/%s/%s.ini", dir, folder, name);
        if (n < 0 || (size_t)n >= len)
            return -ENAMETOOLONG;
        if (dir[0] && access(buf, R_OK) == 0)
            return 0;
    }
    return -ENOENT;
}

static int is_ini(const struct dirent *e)
{
    const size_t n = strlen(e->d_name);
    return n > 4 && strcmp(e->d_name + n - 4, ".ini") == 0;
}

bool config_names_in(const char *dir, char *buf, size_t len)
{
    struct dirent **list;
    const int n = scandir(dir, &list, is_ini, alphasort);
    snprintf(buf, len, "none");
    if (n < 0)
        return false;
    size_t used = 0;
    for (int k = 0; k < n; k++) {
        const int m = used < len ? snprintf(buf + used, len - used, "%s%.*s", k ? ", " : "", (int)strlen(list[k]->d_name) - 4,
                                            list[k]->d_name)
                                 : 0;
        used += m > 0 ? (size_t)m : 0;
        free(list[k]);
    }
    free(list);
    return n > 0;
}

void config_names(const char *folder, char *buf, size_t len)
{
    char dir[PATH_LEN], path[PATH_LEN + 64];
    snprintf(buf, len, "none");
    for (unsigned i = 0; candidate(i, dir); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folder);
        if (dir[0] && config_names_in(path, buf, len))
            return;
    }
}
