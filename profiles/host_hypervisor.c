/* Hypervisor detection.
 *
 * x86: the CPU flag `hypervisor` decides (bare-metal cloud machines carry a cloud vendor's DMI strings without being virtual), the
 * signature of CPUID leaf 0x40000000 names it. ARM has no such flag: the device tree, /sys/hypervisor and the DMI strings are
 * asked. A hypervisor that hides is not found. */
#include "profiles/host_hypervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/sysfile.h"

struct name_of {
    const char *found, *name;
};

/* The name of the first entry whose text is part of `text`; NULL when there is none. */
static const char *lookup(const struct name_of *table, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, table[i].found))
            return table[i].name;
    return NULL;
}

#if defined(__x86_64__)
#include <cpuid.h>

static const struct name_of signatures[] = {
    {"KVMKVMKVM", "KVM"},     {"Microsoft Hv", "Hyper-V"}, {"VMwareVMware", "VMware"},     {"XenVMMXenVMM", "Xen"},
    {"TCGTCGTCGTCG", "QEMU"}, {"bhyve bhyve", "bhyve"},    {"VBoxVBoxVBox", "VirtualBox"}, {" lrpepyh vr", "Parallels"},
    {"ACRNACRNACRN", "ACRN"}, {"QNXQVMBSQG", "QNX"},
};

bool host_hypervisor_name(const struct probe_env *env, char *name, size_t len)
{
    char flags[8192];
    unsigned int a, r[3];
    char signature[13] = "";
    name[0] = '\0';
    char *cpuinfo = sysfile_all(env_procfs(env), "cpuinfo");
    int rc = cpuinfo ? text_field(cpuinfo, "flags", ':', flags, sizeof flags) : -1;
    free(cpuinfo);
    if (rc || !strstr(flags, " hypervisor"))
        return false;
    __cpuid(0x40000000, a, r[0], r[1], r[2]);
    memcpy(signature, r, sizeof r);
    const char *known = lookup(signatures, sizeof signatures / sizeof signatures[0], signature);
    snprintf(name, len, "%s", known ? known : "unknown");
    return true;
}

#else

static const struct name_of dmi_strings[] = {
    {"QEMU", "QEMU"},
    {"KVM", "KVM"},
    {"VMware", "VMware"},
    {"VirtualBox", "VirtualBox"},
    {"Virtual Machine", "Hyper-V"},
    {"Xen", "Xen"},
    {"Parallels", "Parallels"},
    {"Google Compute Engine", "KVM"},
    {"Apple Virtualization", "Apple"},
};

/* EC2: virtual (Nitro) unless the product is a metal one. */
static const char *amazon(const char *vendor, const char *product)
{
    size_t n = strlen(product);
    bool metal = n >= 5 && strcmp(product + n - 5, "metal") == 0;
    return strstr(vendor, "Amazon EC2") && !metal ? "KVM" : NULL;
}

bool host_hypervisor_name(const struct probe_env *env, char *name, size_t len)
{
    char vendor[128], product[128], type[128];
    name[0] = '\0';
    if (sysfile_text(type, sizeof type, env_sysfs(env), "hypervisor/type") > 0) {
        snprintf(name, len, "%s", strcmp(type, "xen") == 0 ? "Xen" : type);
        return true;
    }
    if (sysfile_text(type, sizeof type, env_procfs(env), "device-tree/hypervisor/compatible") > 0) {
        snprintf(name, len, "%s", strstr(type, "kvm") ? "KVM" : strstr(type, "xen") ? "Xen" : type);
        return true;
    }
    sysfile_text(vendor, sizeof vendor, env_sysfs(env), "class/dmi/id/sys_vendor");
    sysfile_text(product, sizeof product, env_sysfs(env), "class/dmi/id/product_name");
    const char *known = lookup(dmi_strings, sizeof dmi_strings / sizeof dmi_strings[0], vendor);
    if (!known)
        known = lookup(dmi_strings, sizeof dmi_strings / sizeof dmi_strings[0], product);
    if (!known)
        known = amazon(vendor, product);
    snprintf(name, len, "%s", known ? known : "");
    return known != NULL;
}

#endif
