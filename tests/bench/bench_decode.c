/*
 * bench_decode FILE [FPS]: decodes a file's video from memory, one thread, and prints the CPU time
 * that a frame costs in nanoseconds. Flat out, or at FPS frames a second as a live camera sends them.
 */
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <time.h>

#include "common/clock.h"
#include "tests/bench/bench_decoder.h"

#define PACKETS_MAX 4096u

static AVPacket *packets[PACKETS_MAX];

static size_t load(const char *path, enum AVCodecID *ret_id)
{
	AVFormatContext *format = NULL;
	size_t n = 0;
	int stream;

	if (avformat_open_input(&format, path, NULL, NULL) < 0 ||
		avformat_find_stream_info(format, NULL) < 0)
		return 0;
	stream = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (stream >= 0)
		*ret_id = format->streams[stream]->codecpar->codec_id;
	while (stream >= 0 && n < PACKETS_MAX) {
		AVPacket *pkt = av_packet_alloc();

		if (av_read_frame(format, pkt) < 0) {
			av_packet_free(&pkt);
			break;
		}
		if (pkt->stream_index == stream)
			packets[n++] = pkt;
		else
			av_packet_free(&pkt);
	}
	avformat_close_input(&format);
	return n;
}

static void wait_until(uint64_t when_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(when_ns / NS_PER_S),
		.tv_nsec = (long)(when_ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

int main(int argc, char **argv)
{
	enum AVCodecID id = AV_CODEC_ID_NONE;
	size_t n = argc > 1 ? load(argv[1], &id) : 0, frames = 0;
	uint64_t interval_ns = argc > 2 ? NS_PER_S / strtoul(argv[2], NULL, 10) : 0;
	uint64_t start_ns, cpu_ns;
	AVCodecContext *ctx;
	AVFrame *frame = av_frame_alloc();

	if (!n) {
		fprintf(stderr, "usage: bench_decode FILE [FPS]\n");
		return 64;
	}
	ctx = bench_decoder_open(id);
	start_ns = clock_monotonic_ns();
	cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < n; i++) {
		if (interval_ns)
			wait_until(start_ns + i * interval_ns);
		avcodec_send_packet(ctx, packets[i]);
		while (avcodec_receive_frame(ctx, frame) == 0)
			frames++;
	}
	cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	if (!frames)
		return 65;
	printf("%.0f\n", (double)cpu_ns / (double)frames);
	for (size_t i = 0; i < n; i++)
		av_packet_free(&packets[i]);
	av_frame_free(&frame);
	avcodec_free_context(&ctx);
	return 0;
}
