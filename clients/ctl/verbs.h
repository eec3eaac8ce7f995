/* The commands. Each returns the program's exit code, everything said. */
#ifndef FRAMEMUX_CTL_VERBS_H
#define FRAMEMUX_CTL_VERBS_H

#include "clients/ctl/options.h"

int verb_status(const struct options *o);
int verb_grant(const struct options *o);
int verb_attenuate(const struct options *o);
int verb_inspect(const struct options *o);
int verb_revoke(const struct options *o);
int verb_key(const struct options *o);
int verb_accept(const struct options *o);
int verb_reload(const struct options *o);
int verb_disable(const struct options *o);
int verb_enable(const struct options *o);
int verb_policy(const struct options *o);
int verb_audit(const struct options *o);
int verb_watch(const struct options *o);
int verb_metrics(const struct options *o);
int verb_snapshot(const struct options *o);
int verb_check(const struct options *o);

#endif
