/* May the likwid library be used here at all? It ends the process when its daemon fails, so it is tried in a child. Internal to
 * profiles/. */
#ifndef BITJOULE_LIKWID_TRIAL_H
#define BITJOULE_LIKWID_TRIAL_H

/* Why this user may not read registers through likwid: not root, and its daemon is not setuid. NULL: he may. */
const char *likwid_denied(void);

/* Calls try(arg) in a child process that may die of it. What it returned, 0 or a negative errno; -EIO: it did not come back. */
int likwid_trial(int (*try)(void *arg), void *arg);

#endif
