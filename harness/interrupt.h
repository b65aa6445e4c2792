/* Ctrl-C and SIGTERM as a flag that is only raised inside interrupt_poll(), so no wait can miss it and no other call is cut. */
#ifndef BITJOULE_INTERRUPT_H
#define BITJOULE_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers and blocks the signals; SIGPIPE is ignored. */
void interrupt_install(void);
/* In a child: the signals as a program expects them at its start. */
void interrupt_reset(void);
bool interrupt_seen(void);
/* Waits until fd is readable. 1: readable or closed; 0: timeout; -EINTR: interrupted (also when that happened before). */
int interrupt_poll(int fd, double timeout_s);

#endif
