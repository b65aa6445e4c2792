/* `bitjoule gate`: may this build replace that one? Judges a new record against a baseline, by the rules of a gate file.
 *
 * Exit status: 0 pass or improve; 1 regress, or an output could not be written; 2 bad input, or records that are not alike; 3
 * inconclusive, or a machine that was not fit to measure (0 with --inconclusive warn); 4 the run failed. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/args.h"
#include "harness/gate_ab.h"
#include "harness/gate_out.h"
#include "harness/harness_cmds.h"
#include "harness/record_pair.h"

enum { EXIT_FAILED = 1, OPT_BASELINE = 256, OPT_INCONCLUSIVE, OPT_ALLOW, OPT_AB, OPT_FIRST_OUTPUT };

static const struct {
    const char *flag;
    gate_print *print;
} outputs[] = {
    {"markdown", gate_print_markdown},
    {"junit", gate_print_junit},
    {"json", gate_print_json},
    {"annotations", gate_print_annotations},
    {"benchmark-action", gate_print_benchmark_action},
};
enum { N_OUTPUTS = sizeof outputs / sizeof outputs[0] };

struct gate {
    const char *config, *baseline, *inconclusive;
    struct gate_ab ab;            /* base == NULL: two records are given */
    const char *files[N_OUTPUTS]; /* NULL: not asked for */
    struct gate_config rules;
    struct record_pair pair;
};

static const char usage_text[] =
    "usage: bitjoule gate --baseline BASE NEW [flags]      judges the record NEW against the record BASE\n"
    "       bitjoule gate --ab OLD NEW -c GATE [flags]     runs two programs interleaved in rounds, and judges\n"
    "  -o, --output DIR            of --ab: where the record of the run goes (default: out/gate)\n"
    "  -c, --config GATE           gate file, or the name of one in configs/gates (default: tokens_per_s, 3 %%)\n"
    "      --inconclusive WORD     fail: exit status 3; warn: 0. Overrides the gate file\n"
    "      --allow-different KEY   judge although the records differ in KEY; may be repeated. Keys:\n"
    "                              %s\n"
    "      --markdown FILE         for a pull request; the text always goes to stdout\n"
    "      --junit FILE            JUnit XML\n"
    "      --json FILE             everything\n"
    "      --annotations FILE      GitHub workflow commands, /dev/stdout for their place\n"
    "      --benchmark-action FILE values for github-action-benchmark (customSmallerIsBetter)\n"
    "Exit status: 0 pass or improve, 1 regress, 2 bad input, 3 inconclusive or unfit machine, 4 the run failed.\n";

static int parse(struct gate *g, int argc, char **argv)
{
    struct option options[N_OUTPUTS + 9] = {{"config", required_argument, NULL, 'c'},
                                            {"baseline", required_argument, NULL, OPT_BASELINE},
                                            {"inconclusive", required_argument, NULL, OPT_INCONCLUSIVE},
                                            {"allow-different", required_argument, NULL, OPT_ALLOW},
                                            {"ab", required_argument, NULL, OPT_AB},
                                            {"output", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'}};
    for (int i = 0; i < N_OUTPUTS; i++)
        options[7 + i] = (struct option){outputs[i].flag, required_argument, NULL, OPT_FIRST_OUTPUT + i};
    int opt, status = 0;
    optind = 0;
    while (!status && (opt = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
        if (opt >= OPT_FIRST_OUTPUT) {
            g->files[opt - OPT_FIRST_OUTPUT] = optarg;
            continue;
        }
        switch (opt) {
        case 'c': g->config = optarg; break;
        case 'o': g->ab.dir = optarg; break;
        case OPT_AB: g->ab.base = optarg; break;
        case OPT_BASELINE: g->baseline = optarg; break;
        case OPT_INCONCLUSIVE: g->inconclusive = optarg; break;
        case OPT_ALLOW: status = record_pair_allow("gate", &g->pair, optarg); break;
        case 'h': printf(usage_text, machine_key_names()); exit(0);
        default: return args_complain("gate", EXIT_BAD_INPUT, "see bitjoule gate --help");
        }
    }
    if (!status && g->inconclusive && strcmp(g->inconclusive, "warn") && strcmp(g->inconclusive, "fail"))
        return args_complain("gate", EXIT_BAD_INPUT, "--inconclusive '%s': warn or fail", g->inconclusive);
    return status;
}

static int read_rules(struct gate *g)
{
    char err[GATE_ERR_LEN];
    const int rc = gate_config_named(&g->rules, g->config, err);
    if (rc)
        return args_complain("gate", EXIT_BAD_INPUT, "%s%s", rc == -ENOENT ? "-c " : "", err);
    if (g->inconclusive)
        g->rules.warn_only = !strcmp(g->inconclusive, "warn");
    return 0;
}

static int write_file(const char *path, gate_print *print, const struct gate_report *r, const struct gate_names *names)
{
    FILE *f = fopen(path, "we");
    bool bad = !f;
    if (f) {
        print(r, names, f);
        bad = ferror(f);
        bad = fclose(f) || bad;
    }
    return bad ? args_complain("gate", EXIT_FAILED, "%s: %s", path, strerror(errno)) : 0;
}

/* Judges a table and writes what was asked for. Returns the exit status. */
static int conclude(struct gate *g, const struct comparison_table *t, const char *base, const char *fresh)
{
    struct gate_report report;
    char err[GATE_ERR_LEN] = "out of memory";
    const struct gate_names names = {base, fresh, g->rules.alpha, g->rules.warn_only};
    const int rc = gate_judge(&g->rules, t, g->pair.base, g->pair.fresh, &report, err);
    if (rc)
        return args_complain("gate", rc == -ENOMEM ? EXIT_FAILED : EXIT_BAD_INPUT, "%s", err);
    gate_print_text(&report, &names, stdout);
    fflush(stdout);
    int status = gate_exit_status(&g->rules, &report);
    for (size_t i = 0; i < N_OUTPUTS; i++)
        if (g->files[i] && write_file(g->files[i], outputs[i].print, &report, &names) && !status)
            status = EXIT_FAILED;
    gate_report_free(&report);
    return status;
}

static int judge_records(struct gate *g, const char *fresh)
{
    struct comparison_table t;
    int status = record_pair_load("gate", &g->pair, g->baseline, fresh);
    if (!status && comparison_make(g->pair.base, g->pair.fresh, g->rules.confidence, &t))
        status = args_complain("gate", EXIT_FAILED, "out of memory");
    else if (!status) {
        status = conclude(g, &t, g->baseline, fresh);
        comparison_free(&t);
    }
    record_pair_free(&g->pair);
    return status;
}

/* Runs both programs, where the gate names a suite, and counts. */
static int judge_programs(struct gate *g)
{
    struct comparison_table t = {.confidence = g->rules.confidence, .same_output = true};
    json_t *record = NULL;
    int status = g->rules.suite[0] ? gate_ab_run(&g->rules, &g->ab, &record) : 0;
    if (status)
        return status;
    g->pair.base = json_incref(record);
    g->pair.fresh = record;
    int rc = record ? comparison_make(record, record, g->rules.confidence, &t) : 0;
    rc = rc ? rc : gate_ab_count(&g->rules, &g->ab, &t);
    status = rc ? args_complain("gate", EXIT_FAILED, "out of memory") : conclude(g, &t, g->ab.base, g->ab.fresh);
    comparison_free(&t);
    record_pair_free(&g->pair);
    return status;
}

static int check_programs(struct gate *g, const char *fresh)
{
    const char *programs[] = {g->ab.base, fresh};
    g->ab.fresh = fresh;
    for (size_t i = 0; i < 2; i++)
        if (access(programs[i], X_OK))
            return args_complain("gate", EXIT_BAD_INPUT, "--ab '%s': %s", programs[i], strerror(errno));
    if (g->rules.suite[0] || g->rules.count_model[0])
        return 0;
    return args_complain("gate", EXIT_BAD_INPUT,
                         "--ab needs a gate file (-c) with 'suite' in [ab] or 'model' in [count], as `ci` has");
}

int cmd_gate(int argc, char **argv)
{
    struct gate g = {.ab = {.dir = "out/gate"}};
    int status = parse(&g, argc, argv);
    if (!status && (!g.baseline == !g.ab.base || argc - optind != 1))
        status = args_complain("gate", EXIT_BAD_INPUT,
                               "--baseline BASE and one NEW record, or --ab OLD and one NEW program; see bitjoule "
                               "gate --help");
    status = status ? status : read_rules(&g);
    if (!status && g.ab.base)
        status = check_programs(&g, argv[optind]);
    if (!status)
        status = g.ab.base ? judge_programs(&g) : judge_records(&g, argv[optind]);
    gate_config_free(&g.rules);
    return status;
}
