/* The two calls into the kernel's performance events that have no wrapper in the C library. */
#include "profiles/perf_call.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int perf_call_open(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader)
{
    const long fd = syscall(SYS_perf_event_open, attr, pid, cpu, leader, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int read_words(int fd, uint64_t *value, size_t words)
{
    const ssize_t n = read(fd, value, words * sizeof value[0]);
    if (n < 0)
        return -errno;
    return n == (ssize_t)(words * sizeof value[0]) ? 0 : -ENODATA;
}

int perf_call_read(int fd, uint64_t value[3])
{
    return read_words(fd, value, 3);
}

int perf_call_read_group(int fd, uint64_t *value, size_t n)
{
    const int rc = read_words(fd, value, 3 + n);
    return rc ? rc : value[0] == n ? 0 : -ENODATA;
}
