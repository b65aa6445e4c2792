/* `bitjoule worker --fd N`: serves the worker protocol (worker.h) on an inherited socket. The harness starts it, for blocks in
 * fresh processes and to compare two programs; it is of no use by hand. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/args.h"
#include "harness/harness_cmds.h"
#include "harness/lists.h"
#include "harness/worker.h"

int cmd_worker(int argc, char **argv)
{
    const struct worker_options options = {.workloads = workloads};
    unsigned long long fd = 0;
    int type = 0;
    socklen_t len = sizeof type;
    if (argc != 3 || strcmp(argv[1], "--fd") || !parse_uint(argv[2], 3, 1 << 20, &fd) ||
        getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len)) {
        fprintf(stderr,
                "bitjoule worker: --fd N with an inherited socket is expected: bitjoule bench starts workers, not people\n");
        return EXIT_BAD_INPUT;
    }
    worker_serve((int)fd, &options);
    return 0;
}
