/* `bitjoule merge RECORD... -o DIR`: several records into one, for the report: shards of a suite, or a fleet of machines.
 *
 * Exit status: 0; 1 the result could not be written; 2 bad input. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/args.h"
#include "harness/harness_cmds.h"
#include "harness/record_merge.h"
#include "harness/saved_record.h"

enum { EXIT_FAILED = 1, PATH_LEN = 4096 };

static const char usage_text[] =
    "usage: bitjoule merge RECORD... -o DIR      results.json files or folders of runs into DIR/results.json\n"
    "  -o, --output DIR   a folder without a record\n"
    "      --fleet        every record is of another machine, although nodes of one kind look alike\n"
    "Records of one machine and build are shards: their cells are put together. Of several machines every cell is called by the "
    "name of\n"
    "its folder too (MODEL@FOLDER), so that `bitjoule report DIR` compares the machines.\n";

static int write_record(const json_t *root, const char *dir)
{
    char path[PATH_LEN];
    snprintf(path, sizeof path, "%s/results.json", dir);
    if (mkdir(dir, 0777) && errno != EEXIST)
        return args_complain("merge", EXIT_FAILED, "%s: %s", dir, strerror(errno));
    if (!access(path, F_OK))
        return args_complain("merge", EXIT_BAD_INPUT, "%s is there already: give another folder", path);
    if (json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(12)))
        return args_complain("merge", EXIT_FAILED, "%s cannot be written: %s", path, strerror(errno));
    printf("%s\n", path);
    return 0;
}

static int merge(struct merge_part *parts, size_t n, bool fleet, const char *dir)
{
    char err[MERGE_ERR_LEN] = "out of memory";
    for (size_t i = 0; i < n; i++) {
        parts[i].record = saved_record_load(parts[i].path, err);
        if (!parts[i].record)
            return args_complain("merge", EXIT_BAD_INPUT, "%s", err);
    }
    const size_t machines = merge_label(parts, n, fleet);
    json_t *root = merge_records(parts, n, err);
    if (!root)
        return args_complain("merge", EXIT_BAD_INPUT, "%s", err);
    fprintf(stderr, "bitjoule merge: %zu records of %zu machine%s\n", n, machines, machines == 1 ? "" : "s");
    const int status = write_record(root, dir);
    json_decref(root);
    return status;
}

int cmd_merge(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"fleet", no_argument, NULL, 'F'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *dir = NULL;
    bool fleet = false;
    int opt;
    optind = 0;
    while ((opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (opt) {
        case 'o': dir = optarg; break;
        case 'F': fleet = true; break;
        case 'h': fputs(usage_text, stdout); return 0;
        default: return args_complain("merge", EXIT_BAD_INPUT, "see bitjoule merge --help");
        }
    }
    const size_t n = (size_t)(argc - optind);
    if (!dir || !n)
        return args_complain("merge", EXIT_BAD_INPUT, "records and -o DIR are needed; see bitjoule merge --help");
    struct merge_part *parts = calloc(n, sizeof *parts);
    if (!parts)
        return args_complain("merge", EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < n; i++)
        parts[i].path = argv[optind + (int)i];
    const int status = merge(parts, n, fleet, dir);
    for (size_t i = 0; i < n; i++)
        json_decref(parts[i].record);
    free(parts);
    return status;
}
