/* The sub-commands of the harness. argv[0] is the command's name; the return value is the exit status. */
#ifndef BITJOULE_HARNESS_CMDS_H
#define BITJOULE_HARNESS_CMDS_H

int cmd_bench(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_kernels(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_lossless(int argc, char **argv);
int cmd_worker(int argc, char **argv); /* started by the program itself, not by people */

#endif
