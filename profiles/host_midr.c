/* ARM core names by MIDR implementer and part number, for kernels whose cpuinfo names no model.
 *
 * Numbers as published in the vendors' technical reference manuals and used by the kernel's cputype.h. A part that is not listed is
 * reported by its numbers, not guessed. */
#include <stdio.h>

#include "profiles/host_facts.h"

static const struct {
    unsigned implementer;
    const char *name;
} implementers[] = {
    {0x41, "Arm"},    {0x42, "Broadcom"},  {0x43, "Cavium"},   {0x46, "Fujitsu"}, {0x48, "HiSilicon"},
    {0x4e, "NVIDIA"}, {0x50, "APM"},       {0x51, "Qualcomm"}, {0x53, "Samsung"}, {0x56, "Marvell"},
    {0x61, "Apple"},  {0x6d, "Microsoft"}, {0x70, "Phytium"},  {0xc0, "Ampere"},
};

static const struct {
    unsigned implementer, part;
    const char *name;
} parts[] = {
    {0x41, 0xd03, "Cortex-A53"},       {0x41, 0xd04, "Cortex-A35"},      {0x41, 0xd05, "Cortex-A55"},
    {0x41, 0xd07, "Cortex-A57"},       {0x41, 0xd08, "Cortex-A72"},      {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},       {0x41, 0xd0b, "Cortex-A76"},      {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd0d, "Cortex-A77"},       {0x41, 0xd0e, "Cortex-A76AE"},    {0x41, 0xd40, "Neoverse-V1"},
    {0x41, 0xd41, "Cortex-A78"},       {0x41, 0xd42, "Cortex-A78AE"},    {0x41, 0xd44, "Cortex-X1"},
    {0x41, 0xd46, "Cortex-A510"},      {0x41, 0xd47, "Cortex-A710"},     {0x41, 0xd48, "Cortex-X2"},
    {0x41, 0xd49, "Neoverse-N2"},      {0x41, 0xd4a, "Neoverse-E1"},     {0x41, 0xd4b, "Cortex-A78C"},
    {0x41, 0xd4d, "Cortex-A715"},      {0x41, 0xd4e, "Cortex-X3"},       {0x41, 0xd4f, "Neoverse-V2"},
    {0x41, 0xd80, "Cortex-A520"},      {0x41, 0xd81, "Cortex-A720"},     {0x41, 0xd82, "Cortex-X4"},
    {0x41, 0xd83, "Neoverse-V3AE"},    {0x41, 0xd84, "Neoverse-V3"},     {0x41, 0xd85, "Cortex-X925"},
    {0x41, 0xd87, "Cortex-A725"},      {0x41, 0xd8e, "Neoverse-N3"},     {0x42, 0x516, "ThunderX2"},
    {0x43, 0x0a1, "ThunderX"},         {0x43, 0x0af, "ThunderX2"},       {0x46, 0x001, "A64FX"},
    {0x48, 0xd01, "TaiShan-v110"},     {0x4e, 0x003, "Denver 2"},        {0x4e, 0x004, "Carmel"},
    {0x50, 0x000, "X-Gene"},           {0x51, 0x001, "Oryon"},           {0x51, 0xc00, "Falkor"},
    {0x61, 0x022, "M1 Icestorm"},      {0x61, 0x023, "M1 Firestorm"},    {0x61, 0x024, "M1 Pro Icestorm"},
    {0x61, 0x025, "M1 Pro Firestorm"}, {0x61, 0x028, "M1 Max Icestorm"}, {0x61, 0x029, "M1 Max Firestorm"},
    {0x61, 0x032, "M2 Blizzard"},      {0x61, 0x033, "M2 Avalanche"},    {0x6d, 0xd49, "Azure Cobalt 100"},
    {0xc0, 0xac3, "Ampere-1"},         {0xc0, 0xac4, "Ampere-1a"},
};

void host_midr_name(unsigned implementer, unsigned part, char *name, size_t len, char *vendor, size_t vendor_len)
{
    vendor[0] = '\0';
    for (size_t i = 0; i < sizeof implementers / sizeof implementers[0]; i++)
        if (implementers[i].implementer == implementer)
            snprintf(vendor, vendor_len, "%s", implementers[i].name);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].implementer == implementer && parts[i].part == part) {
            snprintf(name, len, "%s %s", vendor, parts[i].name);
            return;
        }
    }
    snprintf(name, len, "%s%simplementer 0x%02x part 0x%03x", vendor, vendor[0] ? " " : "", implementer, part);
}
