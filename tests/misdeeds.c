/* Workloads that crash, hang, lie or print where they must not. All but "no-memory" are good during the warm-up and the first timed
 * repetition; they run no model. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/misdeeds.h"

struct misdeeds_shared *misdeeds_shared;

struct misdeed {
    int runs;
    int32_t out;
};

static int misdeed_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                         char err[MODEL_ERR_LEN])
{
    (void)m;
    (void)s;
    (void)p;
    (void)err;
    static bool counted; /* in this process */
    misdeeds_shared->workers += !counted;
    counted = true;
    misdeeds_shared->last_worker = getpid();
    misdeeds_shared->setups++;
    *state = calloc(1, sizeof(struct misdeed));
    return *state ? 0 : -ENOMEM;
}

static void misdeed_reset(void *state)
{
    (void)state;
}

static struct workload_work misdeed_work(const void *state)
{
    (void)state;
    return (struct workload_work){.tokens = 1, .int8_macs = 1, .bytes = 1};
}

static const int32_t *misdeed_output(const void *state, size_t *n)
{
    *n = 1;
    return &((const struct misdeed *)state)->out;
}

/* Good during the warm-up and the first block, which is of one repetition. */
static bool still_good(void *state)
{
    struct misdeed *d = state;
    usleep(100);
    return ++d->runs <= 2;
}

static int run_good(void *state, double *token_s)
{
    (void)token_s;
    usleep(100);
    ((struct misdeed *)state)->runs++;
    return 0;
}

static int run_segv(void *state, double *token_s)
{
    (void)token_s;
    if (still_good(state))
        return 0;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would turn it into an exit status */
    raise(SIGSEGV);
    return 0;
}

static int run_kill(void *state, double *token_s)
{
    (void)token_s;
    if (!still_good(state))
        raise(SIGKILL);
    return 0;
}

static int run_exit(void *state, double *token_s)
{
    (void)token_s;
    if (!still_good(state))
        _exit(7);
    return 0;
}

static int run_hang(void *state, double *token_s)
{
    (void)token_s;
    if (still_good(state))
        return 0;
    const pid_t child = fork();
    if (child > 0)
        misdeeds_shared->grandchild = child;
    for (;;)
        pause();
}

static int run_error(void *state, double *token_s)
{
    (void)token_s;
    return still_good(state) ? 0 : -EIO;
}

static int run_unsteady(void *state, double *token_s)
{
    (void)token_s;
    if (!still_good(state))
        ((struct misdeed *)state)->out = 1;
    return 0;
}

/* A good cell has five runs: a warm-up, three blocks of one repetition, the profile. The last one gives something else. */
static int run_late(void *state, double *token_s)
{
    struct misdeed *d = state;
    (void)token_s;
    d->out = ++d->runs > 4;
    return 0;
}

/* Dies in the profile. */
static int run_late_death(void *state, double *token_s)
{
    (void)token_s;
    if (++((struct misdeed *)state)->runs > 4)
        raise(SIGKILL);
    return 0;
}

/* Ticks of the eighth field are steal. */
static int run_stolen(void *state, double *token_s)
{
    struct misdeed *d = state;
    (void)token_s;
    usleep(100);
    d->runs += misdeeds_shared->stolen > 0;
    misdeeds_shared->stolen -= misdeeds_shared->stolen > 0;
    FILE *f = fopen(misdeeds_shared->stat, "w");
    if (!f)
        return -errno;
    fprintf(f, "cpu 0 0 0 0 0 0 0 %d 0 0\n", d->runs * 100000);
    return fclose(f) ? -EIO : 0;
}

static int setup_stolen(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                        char err[MODEL_ERR_LEN])
{
    const int rc = misdeed_setup(m, s, p, state, err);
    const int stolen = misdeeds_shared->stolen;
    misdeeds_shared->stolen = 0;
    if (!rc && run_stolen(*state, NULL))
        return -EIO;
    misdeeds_shared->stolen = stolen;
    return rc;
}

/* Writes into the connection to the parent, which a library that prints to a wrong descriptor could do too. */
static int run_garbage(void *state, double *token_s)
{
    (void)token_s;
    if (still_good(state))
        return 0;
    for (int fd = 3; fd < 64; fd++) {
        int domain = 0;
        socklen_t len = sizeof domain;
        if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX)
            return write(fd, "\x1b[31mnot json\n", 14) == 14 ? 0 : -EIO;
    }
    return -ENOENT;
}

static int setup_no_memory(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                           char err[MODEL_ERR_LEN])
{
    (void)m;
    (void)s;
    (void)p;
    misdeeds_shared->last_worker = getpid();
    *state = mmap(NULL, (size_t)1 << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* more than any address space holds */
    if (*state != MAP_FAILED)
        return 0;
    snprintf(err, MODEL_ERR_LEN, "no memory for the test");
    return -errno;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): initialisers, not expressions */
#define MISDEED(id, setup_fn, run_fn)                                                                                         \
    {                                                                                                                         \
        .name = id, .setup = setup_fn, .run = run_fn, .reset = misdeed_reset, .work = misdeed_work, .output = misdeed_output, \
        .teardown = free                                                                                                      \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
static const struct workload misdeeds[] = {
    MISDEED("good", misdeed_setup, run_good),
    MISDEED("segv", misdeed_setup, run_segv),
    MISDEED("kill", misdeed_setup, run_kill),
    MISDEED("exit", misdeed_setup, run_exit),
    MISDEED("hang", misdeed_setup, run_hang),
    MISDEED("error", misdeed_setup, run_error),
    MISDEED("unsteady", misdeed_setup, run_unsteady),
    MISDEED("garbage", misdeed_setup, run_garbage),
    MISDEED("no-memory", setup_no_memory, run_good),
    MISDEED("late", misdeed_setup, run_late),
    MISDEED("late-death", misdeed_setup, run_late_death),
    MISDEED("stolen", setup_stolen, run_stolen),
};
const struct workload *const misdeeds_workloads[] = {
    &misdeeds[0], &misdeeds[1], &misdeeds[2],  &misdeeds[3],  &misdeeds[4],      &misdeeds[5],     &misdeeds[6], &misdeeds[7],
    &misdeeds[8], &misdeeds[9], &misdeeds[10], &misdeeds[11], &workload_prefill, &workload_decode, NULL};

int misdeeds_init(void)
{
    misdeeds_shared = mmap(NULL, sizeof *misdeeds_shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return misdeeds_shared == MAP_FAILED ? -errno : 0;
}
