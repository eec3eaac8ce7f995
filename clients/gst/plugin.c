/* What GStreamer looks for in the plugin's file. */
#include "clients/gst/framemuxsrc.h"
#include "config.h"

static gboolean plugin_init(GstPlugin *plugin)
{
	return gst_element_register(plugin, "framemuxsrc", GST_RANK_NONE, framemuxsrc_get_type());
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, framemux, "Cameras of a framemux",
	plugin_init, PACKAGE_VERSION, "MIT/X11", PACKAGE_NAME, PACKAGE_NAME)
