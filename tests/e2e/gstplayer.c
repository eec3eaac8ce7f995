/*
 * gstplayer PIPELINE [hold]: plays what gst-launch-1.0 would, and takes orders: a line "pause", "play",
 * "stop" or "go" on standard input. Says what comes of it, a line each: "STATE name reason"; "BUFFER seq
 * age_ms" of each buffer that comes to the sink called "sink", age by its timestamp on the pipeline's clock,
 * "BLACK" instead where all of it is black, and before it "DISCONT" or "CORRUPTED" where it is flagged so; "DONE order"; "EOS", "ERROR text", and "BYE".
 *
 * With "hold" the streaming thread stands still twice until it is told to go: "HELD caps", when the first
 * caps come, which is when the source has a frame and has not copied it; "HELD latency", when the source
 * says that its latency grew, which is when it has copied one and has not pushed it.
 */
#include <gst/gst.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static GstElement *pipeline;
static GMutex hold_lock;
static GCond hold_over;
static unsigned gone; /* times that "go" was said */
static unsigned held; /* times that it was waited for */

static void hold(const char *where)
{
	g_mutex_lock(&hold_lock);
	printf("HELD %s\n", where);
	for (held++; gone < held;)
		g_cond_wait(&hold_over, &hold_lock);
	g_mutex_unlock(&hold_lock);
}

static void go(void)
{
	g_mutex_lock(&hold_lock);
	gone++;
	g_cond_signal(&hold_over);
	g_mutex_unlock(&hold_lock);
}

static GstPadProbeReturn on_caps(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	static gint times;

	(void)pad;
	(void)data;
	if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_CAPS)
		return GST_PAD_PROBE_OK;
	if (g_atomic_int_add(&times, 1) ==
		0) /* they are sent again after a flush, by whoever plays on */
		hold("caps");
	return GST_PAD_PROBE_REMOVE;
}

/*
 * In the thread that posts, so that what is printed of states and of buffers is in the order in which the
 * source said and pushed it.
 */
static GstBusSyncReply on_posted(GstBus *bus, GstMessage *message, gpointer data)
{
	const GstStructure *s = gst_message_get_structure(message);
	bool *may_hold = data;

	(void)bus;
	if (!g_str_has_prefix(GST_MESSAGE_SRC_NAME(message), "framemuxsrc"))
		return GST_BUS_PASS;
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT &&
		gst_structure_has_name(s, "framemux-state"))
		printf("STATE %s %s\n", gst_structure_get_string(s, "state"),
			gst_structure_get_string(s, "reason"));
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY && *may_hold) {
		*may_hold = false;
		hold("latency");
	}
	return GST_BUS_PASS;
}

/* Of NV12 and of I420, limited range. */
static bool is_black(GstElement *sink, GstBuffer *buffer)
{
	g_autoptr(GstCaps) caps = NULL;
	GstPad *pad = gst_element_get_static_pad(sink, "sink");
	GstMapInfo map;
	int width, height;
	bool is = true;

	caps = gst_pad_get_current_caps(pad);
	gst_object_unref(pad);
	if (!caps || !gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width) ||
		!gst_structure_get_int(gst_caps_get_structure(caps, 0), "height", &height) ||
		!gst_buffer_map(buffer, &map, GST_MAP_READ))
		return false;
	for (gsize i = 0; i < map.size; i++)
		is = is && map.data[i] == (i < (gsize)width * (gsize)height ? 16 : 128);
	gst_buffer_unmap(buffer, &map);
	return is;
}

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
	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT))
		puts("DISCONT");
	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED))
		puts("CORRUPTED");
	if (is_black(sink, buffer)) {
		puts("BLACK");
		return;
	}
	printf("BUFFER %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", GST_BUFFER_OFFSET(buffer),
		GST_CLOCK_DIFF(GST_BUFFER_PTS(buffer), now) / (gint64)GST_MSECOND);
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)bus;
	(void)data;
	switch (GST_MESSAGE_TYPE(message)) {
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
	if (gst_element_set_state(pipeline, state) == GST_STATE_CHANGE_FAILURE)
		printf("ERROR cannot %s\n", word);
	printf("DONE %s\n", word);
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
	else if (!strcmp(line, "go"))
		go();
	return TRUE;
}

static void watch_sink(bool does_hold)
{
	GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
	GstPad *pad = sink ? gst_element_get_static_pad(sink, "sink") : NULL;

	if (!pad)
		return;
	g_object_set(sink, "signal-handoffs", TRUE, NULL);
	g_signal_connect(sink, "handoff", G_CALLBACK(on_handoff), NULL);
	/* In the source's own pad: a sink that is in the midst of something can be flushed by nobody. */
	if (does_hold)
		gst_pad_add_probe(GST_PAD_PEER(pad), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps,
			NULL, NULL);
	gst_object_unref(pad);
	gst_object_unref(sink);
}

int main(int argc, char **argv)
{
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	GIOChannel *in = g_io_channel_unix_new(0);
	g_autoptr(GError) error = NULL;
	bool does_hold = argc == 3 && !strcmp(argv[2], "hold");
	GstBus *bus;

	setvbuf(stdout, NULL, _IOLBF, 0);
	gst_init(&argc, &argv);
	pipeline = argc >= 2 ? gst_parse_launch(argv[1], &error) : NULL;
	if (!pipeline || error) {
		fprintf(stderr, "gstplayer: %s\n", error ? error->message : "which pipeline?");
		return 64;
	}
	watch_sink(does_hold);
	bus = gst_element_get_bus(pipeline);
	gst_bus_add_watch(bus, on_message, NULL);
	gst_bus_set_sync_handler(bus, on_posted, &does_hold, NULL);
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
