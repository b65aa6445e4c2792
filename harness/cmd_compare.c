/* `bitjoule compare BASE NEW`: two records side by side, with ratios, intervals and p-values. It tells and does not judge: `gate`
 * does.
 *
 * Exit status: 0; 2 bad input, or records that are not alike. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "harness/comparison_out.h"
#include "harness/harness_cmds.h"
#include "harness/record_pair.h"

enum { EXIT_FAILED = 1, OPT_ALPHA = 256, OPT_CONFIDENCE, OPT_ALLOW };

struct request {
    double alpha, confidence;
    const char *format;
    struct record_pair pair;
};

static const char usage_text[] =
    "usage: bitjoule compare BASE NEW [flags]      two results.json, or the folders of two runs\n"
    "       bitjoule compare RUN [flags]           the two arms of one run\n"
    "  -o, --output FORMAT        text, markdown or json (default: text)\n"
    "      --alpha P              a change is shown when p is below (default: 0.05)\n"
    "      --confidence C         of the intervals of ratios (default: 0.95)\n"
    "      --allow-different KEY  compare although KEY differs; may be repeated. Keys:\n"
    "                             %s\n"
    "Records of unlike machines, builds or inputs are refused (exit status 2). The commit may differ: that is what is compared.\n";

static int parse(struct request *q, int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"alpha", required_argument, NULL, OPT_ALPHA},
                                            {"confidence", required_argument, NULL, OPT_CONFIDENCE},
                                            {"allow-different", required_argument, NULL, OPT_ALLOW},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int opt, status = 0;
    optind = 0;
    while (!status && (opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (opt) {
        case 'o': q->format = optarg; break;
        case OPT_ALPHA: status = args_real("compare", "--alpha", optarg, 1e-6, 0.5, &q->alpha) ? 0 : EXIT_BAD_INPUT; break;
        case OPT_CONFIDENCE:
            status = args_real("compare", "--confidence", optarg, 0.5, 0.9999, &q->confidence) ? 0 : EXIT_BAD_INPUT;
            break;
        case OPT_ALLOW: status = record_pair_allow("compare", &q->pair, optarg); break;
        case 'h': printf(usage_text, machine_key_names()); exit(0);
        default: return args_complain("compare", EXIT_BAD_INPUT, "see bitjoule compare --help");
        }
    }
    if (!status && strcmp(q->format, "text") && strcmp(q->format, "markdown") && strcmp(q->format, "json"))
        return args_complain("compare", EXIT_BAD_INPUT, "-o '%s': text, markdown or json", q->format);
    return status;
}

static int show(struct request *q, const char *base, const char *fresh)
{
    struct comparison_table t;
    const struct comparison_names names = {base, fresh, q->alpha, q->pair.differences, q->pair.n_differences};
    if (comparison_make(q->pair.base, q->pair.fresh, q->confidence, &t))
        return args_complain("compare", EXIT_FAILED, "out of memory");
    int status = 0;
    if (!t.n) {
        status = args_complain("compare", EXIT_BAD_INPUT, "%s and %s have no cell in common, and none that ran", base, fresh);
    } else if (!strcmp(q->format, "json")) {
        json_t *root = comparison_json(&t, &names);
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(root);
    } else {
        comparison_print(&t, &names, !strcmp(q->format, "markdown"), stdout);
    }
    comparison_free(&t);
    return status;
}

int cmd_compare(int argc, char **argv)
{
    struct request q = {.alpha = 0.05, .confidence = 0.95, .format = "text"};
    int status = parse(&q, argc, argv);
    const int n = argc - optind;
    if (!status && n != 1 && n != 2)
        status =
            args_complain("compare", EXIT_BAD_INPUT, "give two records, or one that has two arms; see bitjoule compare --help");
    if (status)
        return status;
    status = record_pair_load("compare", &q.pair, argv[optind], argv[optind + n - 1]);
    if (!status && n == 1 && !comparison_has_arms(q.pair.base))
        status = args_complain("compare", EXIT_BAD_INPUT, "%s has no two arms: give the record to compare it with", argv[optind]);
    if (!status && n == 1) {
        json_decref(q.pair.fresh);
        q.pair.fresh = json_incref(q.pair.base);
        status = show(&q, "base", "new");
    } else if (!status) {
        status = show(&q, argv[optind], argv[optind + 1]);
    }
    record_pair_free(&q.pair);
    return status;
}
