/* How many tokens the workers of this process have put through their models, as it goes on: what a watch shows. A page of memory that
 * parent and workers share; adding to it is one atomic addition per pass. Without live_share() nothing is counted. */
#ifndef BITJOULE_LIVE_H
#define BITJOULE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Before workers are forked. False: no memory. */
bool live_share(void);
bool live_shared(void);
void live_add(uint64_t tokens);
uint64_t live_tokens(void); /* since live_share(), of all workers */

#endif
