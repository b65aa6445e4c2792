/* CPU migrations from /proc/self/task/TID/sched (se.nr_migrations), summed over the threads.
 *
 * The counts of all threads are noted at the start; at the stop every one of these threads must still be there, otherwise the moves
 * of a thread that ended are lost and the sum is unavailable. Threads born inside the window count from 0. The file exists on
 * kernels with CONFIG_SCHED_DEBUG. Costs two small reads per thread and window, outside of the timed region. */
#include "profiles/sched_migrations.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "profiles/sysfile.h"

enum { MAX_THREADS = 4096 };

struct thread_count {
    unsigned long tid;
    uint64_t moves;
};

struct migrations {
    struct probe_env env;
    const char *problem; /* NULL: `moves` holds */
    uint64_t moves;
    size_t n; /* threads at the start */
    struct thread_count at_start[MAX_THREADS];
};

static int read_thread(const char *procfs, const char *tid, uint64_t *moves)
{
    char text[4096], value[32];
    if (sysfile_text(text, sizeof text, procfs, "self/task/%s/sched", tid) < 0)
        return -ENOENT;
    if (text_field(text, "se.nr_migrations", ':', value, sizeof value))
        return -ENOENT;
    return parse_u64(value, moves);
}

/* Calls of `visit` for every live thread; negative errno when the kernel does not tell. */
static int each_thread(struct migrations *m, int (*visit)(struct migrations *m, struct thread_count t))
{
    char path[SYSFILE_PATH_LEN];
    if (snprintf(path, sizeof path, "%s/self/task", env_procfs(&m->env)) >= (int)sizeof path)
        return -ENAMETOOLONG;
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(dir));) {
        struct thread_count t;
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        t.tid = strtoul(e->d_name, NULL, 10);
        rc = read_thread(env_procfs(&m->env), e->d_name, &t.moves);
        if (!rc)
            rc = visit(m, t);
    }
    closedir(dir);
    return rc;
}

static int note_thread(struct migrations *m, struct thread_count t)
{
    if (m->n == MAX_THREADS)
        return -E2BIG;
    m->at_start[m->n++] = t;
    return 0;
}

/* Adds the moves since the start and marks the thread as seen (tid 0). */
static int add_thread(struct migrations *m, struct thread_count t)
{
    uint64_t before = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (m->at_start[i].tid == t.tid) {
            before = m->at_start[i].moves;
            m->at_start[i].tid = 0;
        }
    }
    m->moves += t.moves - before;
    return 0;
}

int migrations_open(const struct probe_env *env, struct migrations **out)
{
    struct migrations *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    if (env)
        m->env = *env;
    *out = m;
    return 0;
}

void migrations_start(struct migrations *m)
{
    static const char no_file[] = "no task/TID/sched in procfs: needs a kernel with CONFIG_SCHED_DEBUG";
    m->n = 0;
    m->moves = 0;
    int rc = each_thread(m, note_thread);
    m->problem = !rc ? NULL : rc == -E2BIG ? "more than 4096 threads" : no_file;
}

void migrations_stop(struct migrations *m)
{
    if (m->problem)
        return;
    if (each_thread(m, add_thread)) {
        m->problem = "a thread could not be read at the end of the window";
        return;
    }
    for (size_t i = 0; i < m->n; i++)
        if (m->at_start[i].tid)
            m->problem = "a thread ended inside the window and took its count along";
}

void migrations_metric(const struct migrations *m, struct metric *out)
{
    if (m->problem)
        metric_unavailable(out, "cpu_migrations", "1", "procfs task sched", m->problem);
    else
        metric_set(out, "cpu_migrations", "1", METRIC_MEASURED, (double)m->moves, "procfs task sched");
}

void migrations_close(struct migrations *m)
{
    free(m);
}
