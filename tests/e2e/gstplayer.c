/*
 * gstplayer PIPELINE: plays what gst-launch-1.0 would, and takes orders: a line "pause", "play" or "stop"
 * on standard input. Says what comes of it, a line each: "STATE name reason", "BUFFER seq age_ms" of each
 * buffer that comes to the sink called "sink", age by its timestamp on the pipeline's clock; "CORRUPTED"
 * before it where it is flagged so; "DONE order milliseconds"; "EOS", "ERROR text", and "BYE".
 */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

static GstElement *pipeline;

static void on_handoff(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	GstClock *clock = gst_element_get_clock(sink);
	GstClockTime now = 0;

	(void)pad;
	(void)data;
	if (clock) {
		now = gst_clock_get_time(clock) - gst_element_get_base_time(sink);
		gst_object_unref(clock);
	}
	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED))
		puts("CORRUPTED");
	printf("BUFFER %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", GST_BUFFER_OFFSET(buffer),
		GST_CLOCK_DIFF(GST_BUFFER_PTS(buffer), now) / (gint64)GST_MSECOND);
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer data)
{
	const GstStructure *s = gst_message_get_structure(message);
	g_autoptr(GError) error = NULL;

	(void)bus;
	(void)data;
	switch (GST_MESSAGE_TYPE(message)) {
	case GST_MESSAGE_ELEMENT:
		if (gst_structure_has_name(s, "framemux-state"))
			printf("STATE %s %s\n", gst_structure_get_string(s, "state"),
				gst_structure_get_string(s, "reason"));
		break;
	case GST_MESSAGE_LATENCY:
		gst_bin_recalculate_latency(GST_BIN(pipeline));
		break;
	case GST_MESSAGE_EOS:
		puts("EOS");
		break;
	case GST_MESSAGE_ERROR:
		gst_message_parse_error(message, &error, NULL);
		printf("ERROR %s\n", error->message);
		break;
	default:
		break;
	}
	return TRUE;
}

static void order(const char *word, GstState state)
{
	gint64 begun_us = g_get_monotonic_time();

	if (gst_element_set_state(pipeline, state) == GST_STATE_CHANGE_FAILURE)
		printf("ERROR cannot %s\n", word);
	printf("DONE %s %" G_GINT64_FORMAT "\n", word, (g_get_monotonic_time() - begun_us) / 1000);
}

static gboolean on_line(GIOChannel *in, GIOCondition condition, gpointer loop)
{
	g_autofree char *line = NULL;

	(void)condition;
	if (g_io_channel_read_line(in, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
		g_main_loop_quit(loop);
		return FALSE;
	}
	g_strchomp(line);
	if (!strcmp(line, "pause"))
		order(line, GST_STATE_PAUSED);
	else if (!strcmp(line, "play"))
		order(line, GST_STATE_PLAYING);
	else if (!strcmp(line, "stop"))
		order(line, GST_STATE_NULL);
	return TRUE;
}

int main(int argc, char **argv)
{
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	GIOChannel *in = g_io_channel_unix_new(0);
	g_autoptr(GError) error = NULL;
	GstElement *sink;
	GstBus *bus;

	setvbuf(stdout, NULL, _IOLBF, 0);
	gst_init(&argc, &argv);
	pipeline = argc == 2 ? gst_parse_launch(argv[1], &error) : NULL;
	if (!pipeline || error) {
		fprintf(stderr, "gstplayer: %s\n", error ? error->message : "which pipeline?");
		return 64;
	}
	sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
	if (sink) {
		g_object_set(sink, "signal-handoffs", TRUE, NULL);
		g_signal_connect(sink, "handoff", G_CALLBACK(on_handoff), NULL);
		gst_object_unref(sink);
	}
	bus = gst_element_get_bus(pipeline);
	gst_bus_add_watch(bus, on_message, NULL);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, on_line, loop);
	order("play", GST_STATE_PLAYING);
	g_main_loop_run(loop);
	order("stop", GST_STATE_NULL);
	gst_bus_remove_watch(bus);
	gst_object_unref(bus);
	gst_object_unref(pipeline);
	g_io_channel_unref(in);
	g_main_loop_unref(loop);
	puts("BYE");
	return 0;
}
