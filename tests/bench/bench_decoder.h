/* libavcodec with nothing around it: what every figure is compared with. */
#ifndef FRAMEMUX_BENCH_DECODER_H
#define FRAMEMUX_BENCH_DECODER_H

#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>

/* One thread, no extra delay: as framemux-decode sets it. */
static inline AVCodecContext *bench_decoder_open(enum AVCodecID id)
{
	AVCodecContext *ctx = avcodec_alloc_context3(avcodec_find_decoder(id));

	ctx->thread_count = 1;
	ctx->flags |= AV_CODEC_FLAG_LOW_DELAY;
	if (avcodec_open2(ctx, NULL, NULL) < 0) {
		fprintf(stderr, "bench: no decoder\n");
		exit(70);
	}
	return ctx;
}

#endif
