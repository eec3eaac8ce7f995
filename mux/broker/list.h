/* What sys/queue.h of the C library lacks: walking a list whose current element may be removed. */
#ifndef FRAMEMUX_BROKER_LIST_H
#define FRAMEMUX_BROKER_LIST_H

#include <sys/queue.h>

#ifndef LIST_FOREACH_SAFE
#define LIST_FOREACH_SAFE(var, head, field, next)                                                  \
	for ((var) = LIST_FIRST(head); (var) && ((next) = LIST_NEXT(var, field), 1); (var) = (next))
#endif

#endif
