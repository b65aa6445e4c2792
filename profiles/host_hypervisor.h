/* Is this a virtual machine, and whose? */
#ifndef BITJOULE_HOST_HYPERVISOR_H
#define BITJOULE_HOST_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "profiles/probe.h"

/* Writes "KVM", "Xen", "VMware", ..., "unknown" and returns true in a virtual machine; otherwise false and an empty name. */
bool host_hypervisor_name(const struct probe_env *env, char *name, size_t len);

#endif
