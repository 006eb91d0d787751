#include "encstat.h"
void cmd_report(const struct settings *s) {}
