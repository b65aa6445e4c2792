/* The sub-commands of the engine. Each gets its own argc and argv (argv[0] is the command's name) and returns the exit status. */
#ifndef BITJOULE_ENGINE_CMDS_H
#define BITJOULE_ENGINE_CMDS_H

int cmd_run(int argc, char **argv);
int cmd_perplexity(int argc, char **argv);
int cmd_logits(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_synth(int argc, char **argv);
int cmd_convert(int argc, char **argv);

#endif
