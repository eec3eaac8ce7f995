/* Text that the compositor wrote, compiled by xkbcommon. In framemux-view's process. */
#include "clients/view/keymap.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xkbcommon/xkbcommon.h>

#define FORMAT_XKB_V1 1u /* wl_keyboard.keymap_format */
#define BYTES_MAX     (1u << 20)

/* Reading beyond the end of what is mapped would end us. */
static bool is_so_long(int fd, uint32_t size)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= (off_t)size;
}

struct xkb_keymap *keymap_read(struct xkb_context *context, uint32_t format, int fd, uint32_t size)
{
	struct xkb_keymap *keymap;
	char *text;

	if (format != FORMAT_XKB_V1 || size == 0 || size > BYTES_MAX || !is_so_long(fd, size))
		return NULL;
	text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return NULL;
	keymap = xkb_keymap_new_from_buffer(context, text, strnlen(text, size),
		XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	munmap(text, size);
	return keymap;
}
