/* bitjoule: one program, sub-commands. Each command's file lies beside the code it fronts; this one only chooses. */
#include <stdio.h>
#include <string.h>

#include "engine/engine_cmds.h"
#include "harness/build_info.h"
#include "harness/harness_cmds.h"
#include "harness/pair_judge.h"
#include "harness/run_counters.h"
#include "profiles/profile_cmds.h"
#include "reports/report_cmds.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not shown */
} commands[] = {
    {"bench", cmd_bench, "run a suite and write a report"},
    {"run", cmd_run, "generate text, or hold a conversation"},
    {"perplexity", cmd_perplexity, "perplexity of a model on a text"},
    {"lossless", cmd_lossless, "output of every kernel and format against the reference, token by token"},
    {"logits", cmd_logits, "raw logits of a token sequence"},
    {"tokenize", cmd_tokenize, "text to token ids and back"},
    {"synth", cmd_synth, "write a random model of a named shape"},
    {"convert", cmd_convert, "rewrite a model in another format"},
    {"kernels", cmd_kernels, "micro-benchmark of the matrix kernels against this machine's peaks"},
    {"doctor", cmd_doctor, "what this machine can measure, what not, and the remedy"},
    {"energy", cmd_energy, "joules, watts and counters of a command or an interval"},
    {"compare", cmd_compare, "two records side by side: ratios, intervals, p"},
    {"gate", cmd_gate, "may this build replace that one? for continuous integration"},
    {"history", cmd_history, "how the numbers of a machine developed, and where they jump"},
    {"merge", cmd_merge, "records of several runs or machines into one"},
    {"report", cmd_report, "tables and plots from results"},
    {"claims", cmd_claims, "the verdict on every published claim"},
    {"export", cmd_export, "results in the formats of other tools"},
    {"import", cmd_import, "results of llama-bench as a record"},
    {"worker", cmd_worker, NULL},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("usage: bitjoule COMMAND [options]      bitjoule COMMAND --help\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i].help)
            fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].help);
    fputs("  version      version, commit and compiler\n", out);
}

int main(int argc, char **argv)
{
    run_meter = &run_counters;
    report_judges = (struct report_judges){pair_compare, pair_gate};
    _Static_assert((int)PAIR_ERR_LEN == (int)REPORT_ERR_LEN, "the line of a judge fits the report's");
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("bitjoule %s (%s), %s\n", build_info.version, build_info.commit, build_info.compiler);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "bitjoule: unknown command '%s'; see bitjoule --help\n", argv[1]);
    return 2;
}
