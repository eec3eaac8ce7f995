/* common/memfd, picture, tag and pattern: what lies in a ring, and that it is sealed. */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/memfd.h"
#include "common/pattern.h"
#include "common/picture.h"
#include "common/tag.h"
#include "tests/unit/unit.h"

START_TEST(test_seal_sequence)
{
	int before = unit_count_fds();
	int fd, writer, probe, reader, again;
	struct stat st;
	uint8_t *kept, *seen;

	ck_assert_int_eq(memfd_make("framemux-ring", 8192, &fd), 0);
	kept = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_int_eq(memfd_reopen(fd, O_RDWR, &writer), 0);
	ck_assert_int_eq(memfd_reopen(fd, O_RDONLY, &probe), 0);
	ck_assert_int_eq(memfd_reopen(fd, O_RDONLY, &reader), 0);
	ck_assert_int_eq(memfd_check(reader, 8192), -EPERM); /* not sealed yet */
	ck_assert(!memfd_has_no_writer(probe));
	ck_assert_int_eq(memfd_seal(fd, 8192), 0);
	ck_assert_int_eq(memfd_check(writer, 8192), -EPERM);
	close(writer);
	close(fd);
	ck_assert(memfd_has_no_writer(probe));
	ck_assert(!memfd_has_no_user(probe));
	ck_assert_int_eq(memfd_check(reader, 8192), 0);
	ck_assert_int_eq(memfd_check(reader, 4096), -EPERM);
	ck_assert_int_eq(fstat(reader, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	ck_assert_ptr_eq(
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), MAP_FAILED);
	if (geteuid() != 0)
		ck_assert_int_eq(memfd_reopen(reader, O_RDWR, &again), -EACCES);
	/* The kept map still writes, and a reader sees it: that is how erasing works. */
	seen = mmap(NULL, 8192, PROT_READ, MAP_SHARED, reader, 0);
	kept[5000] = 77;
	ck_assert_uint_eq(seen[5000], 77);
	munmap(seen, 8192);
	munmap(kept, 8192);
	close(reader);
	ck_assert(memfd_has_no_user(probe));
	close(probe);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(test_kernel_is_good)
{
	int before = unit_count_fds();

	ck_assert_int_eq(memfd_self_test(), 0);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(test_layouts)
{
	struct picture p;

	ck_assert_int_eq(picture_layout(DRM_FORMAT_NV12, 641, 361, &p), 0);
	ck_assert_uint_eq(p.planes, 2);
	ck_assert_uint_eq(p.row_bytes[1], 642);
	ck_assert_uint_eq(p.rows[1], 181);
	ck_assert_uint_eq(p.stride[0] % 64, 0);
	ck_assert_uint_eq(p.slot_bytes % SLOT_ALIGN, 0);
	ck_assert_uint_ge(p.slot_bytes, p.bytes + SLOT_TRAILER_BYTES);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_YUV420, 1, 1, &p), 0);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_XRGB8888, 8192, 4352, &p), 0);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_NV12, 0, 5, &p), -EINVAL);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_NV12, 8193, 1, &p), -EINVAL);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_NV12, 8192, 8192, &p), -EINVAL);
	ck_assert_int_eq(picture_layout(DRM_FORMAT_NV12, UINT32_MAX, 2, &p), -EINVAL);
	ck_assert_int_eq(picture_layout(0x12345678, 16, 16, &p), -EINVAL);
}
END_TEST

START_TEST(test_fit)
{
	static const uint32_t cases[][6] = {
		/* w, h, max w, max h -> w, h */
		{1920, 1080, 0, 0, 1920, 1080},
		{641, 361, 641, 361, 641, 361},
		{1920, 1080, 640, 640, 640, 360},
		{1920, 1080, 1280, 100, 176, 100},
		{1080, 1920, 1280, 720, 404, 720},
		{8000, 2, 100, 100, 100, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t w, h;

		picture_fit(cases[i][0], cases[i][1], cases[i][2], cases[i][3], &w, &h);
		ck_assert_uint_eq(w, cases[i][4]);
		ck_assert_uint_eq(h, cases[i][5]);
	}
}
END_TEST

START_TEST(test_fourcc_names)
{
	char name[5];

	ck_assert_uint_eq(picture_fourcc_parse("NV12"), DRM_FORMAT_NV12);
	ck_assert_uint_eq(picture_fourcc_parse("YU12"), DRM_FORMAT_YUV420);
	ck_assert_uint_eq(picture_fourcc_parse("YUV420"), DRM_FORMAT_YUV420);
	ck_assert_uint_eq(picture_fourcc_parse("DRM_FORMAT_XRGB8888"), DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(picture_fourcc_parse("XR24"), DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(picture_fourcc_parse("P010"), 0);
	ck_assert_uint_eq(picture_fourcc_parse(""), 0);
	picture_fourcc_name(DRM_FORMAT_YUV420, name);
	ck_assert_str_eq(name, "YU12");
}
END_TEST

/* A tag vouches for every member of its header and, in full, for every byte of the picture. */
START_TEST(test_tag_covers_header)
{
	uint8_t k[KEY_BYTES] = "key of an attach", tag[TAG_BYTES];
	struct picture p;
	struct tag_header h = {
		.lease = 1, .attach = 2, .generation = 3, .seq = 4, .mode = TAG_FULL};
	uint8_t *slot;
	uint64_t *const wide[] = {&h.lease, &h.attach, &h.generation, &h.seq, &h.capture_ns,
		&h.arrival_ns, &h.publish_ns, &h.publish_boot_ns};
	uint32_t *const narrow[] = {
		&h.slot, &h.flags, &h.color_encoding, &h.color_range, &h.sar_num, &h.sar_den};

	picture_layout(DRM_FORMAT_NV12, 64, 48, &p);
	h.picture = &p;
	slot = calloc(1, p.slot_bytes);
	tag_make(k, &h, slot, tag);
	ck_assert_int_eq(tag_verify(k, &h, slot, tag), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
		(*wide[i])++;
		ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
		(*wide[i])--;
	}
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++) {
		(*narrow[i])++;
		ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
		(*narrow[i])--;
	}
	h.camera.b[31] ^= 1;
	ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
	h.camera.b[31] ^= 1;
	k[0] ^= 1;
	ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
	k[0] ^= 1;
	for (uint64_t i = 0; i < p.bytes; i += 97) {
		slot[i] ^= 1;
		ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
		slot[i] ^= 1;
	}
	slot_trailer_write(slot, &p, 4, tag);
	ck_assert_int_eq(slot_trailer_check(slot, &p, 4, tag), 0);
	ck_assert_int_eq(slot_trailer_check(slot, &p, 5, tag), -ESTALE);
	ck_assert(!slot_is_erased(slot, &p));
	slot_mark_erased(slot, &p);
	ck_assert_int_eq(slot_trailer_check(slot, &p, 4, tag), -ESTALE);
	ck_assert(slot_is_erased(slot, &p));
	slot_mark_unwritten(slot, &p);
	ck_assert_int_eq(slot_trailer_check(slot, &p, 4, tag), -ESTALE);
	ck_assert(!slot_is_erased(slot, &p));
	memset(slot, 0, p.slot_bytes);
	ck_assert_int_eq(slot_trailer_check(slot, &p, 4, tag), -ESTALE);
	ck_assert(slot_is_erased(slot, &p));
	free(slot);
}
END_TEST

/* A sampled tag sees another picture, and over many frames reads every block. */
START_TEST(test_tag_sampled)
{
	const uint8_t k[KEY_BYTES] = {9};
	struct picture p;
	struct tag_header h = {.mode = TAG_SAMPLED};
	uint8_t tag[TAG_BYTES], *slot;
	unsigned noticed = 0;

	picture_layout(DRM_FORMAT_YUV420, 640, 360, &p);
	h.picture = &p;
	slot = calloc(1, p.slot_bytes);
	for (h.seq = 1; h.seq <= 400; h.seq++) {
		tag_make(k, &h, slot, tag);
		slot[p.bytes - 1] ^= 1;
		noticed += tag_verify(k, &h, slot, tag) != 0;
		slot[p.bytes - 1] ^= 1;
	}
	ck_assert_uint_gt(noticed, 0);
	ck_assert_uint_lt(noticed, 400);
	tag_make(k, &h, slot, tag);
	memset(slot, 1, p.bytes);
	ck_assert_int_eq(tag_verify(k, &h, slot, tag), -EBADMSG);
	free(slot);
}
END_TEST

START_TEST(test_pattern)
{
	uint8_t luma[50 * 70];
	uint16_t code = pattern_code("porch", 1024 + 77);

	ck_assert_uint_eq(pattern_frame_bits(code), 77);
	ck_assert_uint_eq(pattern_camera_bits(code), pattern_camera_bits(pattern_code("porch", 5)));
	pattern_paint(code, luma, 70, 67, 50);
	for (uint32_t by = 0; by < 3; by++)
		for (uint32_t bx = 0; bx < 4; bx++)
			ck_assert_int_eq(pattern_read(luma, 70, 1, bx, by), code);
	ck_assert_uint_eq(luma[64], 128);
	ck_assert_uint_eq(luma[49 * 70], 128);
	luma[0] = luma[1] = luma[2] = luma[3] = 128;
	memset(luma + 70, 128, 4);
	memset(luma + 140, 128, 4);
	memset(luma + 210, 128, 4);
	ck_assert_int_eq(pattern_read(luma, 70, 1, 0, 0), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory");
	TCase *t = tcase_create("memory");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(t, test_seal_sequence);
	tcase_add_test(t, test_kernel_is_good);
	tcase_add_test(t, test_layouts);
	tcase_add_test(t, test_fit);
	tcase_add_test(t, test_fourcc_names);
	tcase_add_test(t, test_tag_covers_header);
	tcase_add_test(t, test_tag_sampled);
	tcase_add_test(t, test_pattern);
	suite_add_tcase(s, t);
	return unit_run(s);
}
