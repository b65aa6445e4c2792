/* The command that asks a Raspberry Pi's firmware. Internal to profiles/. */
#ifndef BITJOULE_VCGENCMD_H
#define BITJOULE_VCGENCMD_H

#include <stddef.h>

/* Runs `vcgencmd WORD`; what it printed, cut to len, in text. 0 or a negative errno, -EIO when it failed. A process: some milliseconds. */
int vcgencmd_run(const char *word, char *text, size_t len);

#endif
