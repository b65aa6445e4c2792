/* `bitjoule history add|list|show|mark`: how the numbers of a machine developed, in an SQLite file that is made from records.
 *
 * Exit status: 0; 1 a database error, or show --check found a step for the worse that is not accepted; 2 bad input. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "harness/comparison.h"
#include "harness/harness_cmds.h"
#include "harness/history_db.h"
#include "harness/history_show.h"
#include "harness/saved_record.h"

enum { EXIT_FAILED = 1, OPT_ALPHA = 256, OPT_JSON, OPT_CHECK };

struct request {
    const char *db, *cell;
    struct history_view view;
    bool check;
};

static const char usage_text[] =
    "usage: bitjoule history add RECORD...      results.json files, or folders of runs\n"
    "       bitjoule history list               the runs\n"
    "       bitjoule history show [CELLS]       the series of cells (a pattern, default '*'), with the steps in them\n"
    "       bitjoule history mark RUN TEXT      what changed with this run is accepted: a new level begins there\n"
    "      --db FILE        the history (default: history.sqlite)\n"
    "      --metric NAME    of show (default: tokens_per_s)\n"
    "      --cells PATTERN  of mark (default: '*')\n"
    "      --alpha P        of a step (default: 0.01)\n"
    "      --check          of show: exit status 1 when a step is for the worse\n"
    "      --json           of show\n"
    "A series is of one setup: machine, build flags, seed. The file can be thrown away and made again from the records.\n";

static int parse(struct request *q, int argc, char **argv)
{
    static const struct option options[] = {{"db", required_argument, NULL, 'd'},    {"metric", required_argument, NULL, 'm'},
                                            {"cells", required_argument, NULL, 'c'}, {"alpha", required_argument, NULL, OPT_ALPHA},
                                            {"json", no_argument, NULL, OPT_JSON},   {"check", no_argument, NULL, OPT_CHECK},
                                            {"help", no_argument, NULL, 'h'},        {0}};
    int opt;
    optind = 0;
    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (opt) {
        case 'd': q->db = optarg; break;
        case 'm': q->view.metric = optarg; break;
        case 'c': q->cell = optarg; break;
        case OPT_JSON: q->view.json = true; break;
        case OPT_CHECK: q->check = true; break;
        case OPT_ALPHA:
            if (!args_real("history", "--alpha", optarg, 0.001, 0.5, &q->view.alpha))
                return EXIT_BAD_INPUT;
            break;
        case 'h': fputs(usage_text, stdout); exit(0);
        default: return args_complain("history", EXIT_BAD_INPUT, "see bitjoule history --help");
        }
    }
    if (!compared_metric_find(q->view.metric))
        return args_complain("history", EXIT_BAD_INPUT, "--metric '%s': no such metric, such as tokens_per_s", q->view.metric);
    return 0;
}

static int add(sqlite3 *db, char **paths, int n)
{
    char err[HISTORY_ERR_LEN];
    int status = n ? 0 : args_complain("history", EXIT_BAD_INPUT, "add: no record is given");
    for (int i = 0; i < n && !status; i++) {
        json_t *record = saved_record_load(paths[i], err);
        const int rc = record ? history_add(db, record, paths[i], err) : -EINVAL;
        if (rc < 0)
            status = args_complain("history", rc == -EINVAL ? EXIT_BAD_INPUT : EXIT_FAILED, "%s", err);
        else
            printf("%s: %s\n", paths[i], rc ? "is there already" : "added");
        json_decref(record);
    }
    return status;
}

static int show(sqlite3 *db, struct request *q, const char *cells)
{
    size_t worse = 0;
    q->view.cells = cells ? cells : "*";
    if (history_show(db, &q->view, stdout, &worse))
        return args_complain("history", EXIT_FAILED, "%s: %s", q->db, sqlite3_errmsg(db));
    return q->check && worse ? args_complain("history", EXIT_FAILED, "%zu steps for the worse", worse) : 0;
}

static int run(sqlite3 *db, struct request *q, const char *verb, char **args, int n)
{
    char err[HISTORY_ERR_LEN];
    if (!strcmp(verb, "add"))
        return add(db, args, n);
    if (!strcmp(verb, "list") && !n)
        return history_list(db, stdout) ? args_complain("history", EXIT_FAILED, "%s: %s", q->db, sqlite3_errmsg(db)) : 0;
    if (!strcmp(verb, "show") && n <= 1)
        return show(db, q, n ? args[0] : NULL);
    if (!strcmp(verb, "mark") && n == 2) {
        const int rc = history_mark(db, args[0], q->cell, args[1], err);
        if (!rc)
            printf("%s: accepted for %s\n", args[0], q->cell);
        return rc ? args_complain("history", rc == -ENOENT ? EXIT_BAD_INPUT : EXIT_FAILED, "%s", err) : 0;
    }
    return args_complain("history", EXIT_BAD_INPUT, "'%s' with %d arguments: see bitjoule history --help", verb, n);
}

int cmd_history(int argc, char **argv)
{
    struct request q = {.db = "history.sqlite", .cell = "*", .view = {.metric = "tokens_per_s", .alpha = 0.01}};
    char err[HISTORY_ERR_LEN];
    sqlite3 *db;
    int status = parse(&q, argc, argv);
    if (!status && optind >= argc)
        status = args_complain("history", EXIT_BAD_INPUT, "add, list, show or mark; see bitjoule history --help");
    if (status)
        return status;
    if (history_open(q.db, &db, err))
        return args_complain("history", EXIT_FAILED, "%s", err);
    status = run(db, &q, argv[optind], argv + optind + 1, argc - optind - 1);
    sqlite3_close(db);
    return status;
}
