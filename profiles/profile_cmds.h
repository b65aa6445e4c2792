/* The sub-commands of profiles/. Each takes argv[0] = its own name and returns the exit status. */
#ifndef BITJOULE_PROFILE_CMDS_H
#define BITJOULE_PROFILE_CMDS_H

int cmd_doctor(int argc, char **argv);
int cmd_energy(int argc, char **argv);

#endif
