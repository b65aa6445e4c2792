/* Small text files of /proc and /sys: one open, reads until the end, close.
 *
 * Everything is bounded and nothing is trusted: a number must be the whole content. Does not cache and does not keep files open
 * (energy counters do that themselves). */
#include "profiles/sysfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL_MAX_BYTES = 16 << 20 };

const char *env_sysfs(const struct probe_env *env)
{
    return env && env->sysfs ? env->sysfs : "/sys";
}

const char *env_procfs(const struct probe_env *env)
{
    return env && env->procfs ? env->procfs : "/proc";
}

/* Reads up to len bytes; the number of bytes or a negative errno. */
static ssize_t read_full(int fd, char *buf, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, buf + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static int read_path(char *buf, size_t len, const char *path)
{
    buf[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t n = read_full(fd, buf, len - 1);
    close(fd);
    if (n < 0) {
        buf[0] = '\0';
        return (int)n;
    }
    while (n > 0 && isspace((unsigned char)buf[n - 1]))
        n--;
    buf[n] = '\0';
    return (int)n;
}

static int make_path(char path[SYSFILE_PATH_LEN], const char *root, const char *fmt, va_list ap)
{
    int n = snprintf(path, SYSFILE_PATH_LEN, "%s/", root);
    if (n < 0 || n >= SYSFILE_PATH_LEN)
        return -ENAMETOOLONG;
    int m = vsnprintf(path + n, (size_t)(SYSFILE_PATH_LEN - n), fmt, ap);
    return m < 0 || m >= SYSFILE_PATH_LEN - n ? -ENAMETOOLONG : 0;
}

int sysfile_text(char *buf, size_t len, const char *root, const char *fmt, ...)
{
    char path[SYSFILE_PATH_LEN];
    va_list ap;
    va_start(ap, fmt);
    int rc = make_path(path, root, fmt, ap);
    va_end(ap);
    buf[0] = '\0';
    return rc ? rc : read_path(buf, len, path);
}

int sysfile_u64(uint64_t *out, const char *root, const char *fmt, ...)
{
    char path[SYSFILE_PATH_LEN], text[64] = "";
    va_list ap;
    va_start(ap, fmt);
    int rc = make_path(path, root, fmt, ap);
    va_end(ap);
    if (rc)
        return rc;
    rc = read_path(text, sizeof text, path);
    return rc < 0 ? rc : parse_u64(text, out);
}

char *sysfile_all(const char *root, const char *path)
{
    char full[SYSFILE_PATH_LEN];
    if (snprintf(full, sizeof full, "%s/%s", root, path) >= (int)sizeof full)
        return NULL;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t cap = 16384, len = 0;
    char *buf = malloc(cap);
    while (buf) {
        ssize_t n = read_full(fd, buf + len, cap - len - 1);
        if (n < 0) {
            free(buf);
            buf = NULL;
            break;
        }
        len += (size_t)n;
        buf[len] = '\0';
        if (len < cap - 1 || cap >= ALL_MAX_BYTES)
            break;
        cap *= 2;
        char *bigger = realloc(buf, cap);
        if (!bigger)
            free(buf);
        buf = bigger;
    }
    close(fd);
    return buf;
}

bool sysfile_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int parse_u64(const char *text, uint64_t *out)
{
    while (isspace((unsigned char)*text))
        text++;
    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    if (errno || *end)
        return -EINVAL;
    *out = v;
    return 0;
}

int text_field(const char *text, const char *key, char sep, char *value, size_t len)
{
    size_t key_len = strlen(key);
    value[0] = '\0';
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, key_len) != 0)
            continue;
        const char *p = line + key_len;
        p += strspn(p, " \t");
        if (*p != sep)
            continue;
        p++;
        p += strspn(p, " \t");
        size_t n = strcspn(p, "\n");
        while (n > 0 && isspace((unsigned char)p[n - 1]))
            n--;
        snprintf(value, len, "%.*s", (int)n, p);
        return 0;
    }
    return -ENOENT;
}
