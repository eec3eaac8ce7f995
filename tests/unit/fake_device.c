/* The device that a test plays. */
#include "tests/unit/fake_device.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct fake_device dev;

void fake_device_begin(void)
{
	memset(&dev, 0, sizeof(dev));
	dev.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dev.length = FAKE_BYTES;
	dev.cap.capabilities = V4L2_CAP_DEVICE_CAPS | V4L2_CAP_META_CAPTURE;
	dev.cap.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	dev.pix = (struct v4l2_pix_format){.pixelformat = V4L2_PIX_FMT_YUYV,
		.width = 32,
		.height = 16,
		.bytesperline = 64,
		.field = V4L2_FIELD_NONE,
		.colorspace = V4L2_COLORSPACE_SRGB,
		.priv = V4L2_PIX_FMT_PRIV_MAGIC};
	dev.interval = (struct v4l2_fract){1, 30};
}

void fake_device_end(void)
{
	close(dev.fd);
	ck_assert_uint_eq(dev.mapped, dev.unmapped);
	ck_assert(!dev.is_streaming);
}

int __real_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *addr, size_t len);

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int enum_format(struct v4l2_fmtdesc *e)
{
	for (uint32_t i = 0, n = 0; i < dev.n_rows; i++) {
		if (i && dev.rows[i].fourcc == dev.rows[i - 1].fourcc)
			continue;
		if (n++ == e->index) {
			e->pixelformat = dev.rows[i].fourcc;
			return 0;
		}
	}
	return refuse(EINVAL);
}

static int enum_size(struct v4l2_frmsizeenum *e)
{
	uint32_t n = 0, index = e->index;

	if (dev.range) {
		*e = *dev.range;
		return index ? refuse(EINVAL) : 0;
	}
	for (uint32_t i = 0; i < dev.n_rows; i++)
		if (dev.rows[i].fourcc == e->pixel_format && n++ == index) {
			e->type = V4L2_FRMSIZE_TYPE_DISCRETE;
			e->discrete.width = dev.rows[i].width;
			e->discrete.height = dev.rows[i].height;
			return 0;
		}
	return refuse(EINVAL);
}

static int enum_interval(struct v4l2_frmivalenum *e)
{
	for (uint32_t i = 0; i < dev.n_rows && e->index == 0; i++)
		if (dev.rows[i].fourcc == e->pixel_format && dev.rows[i].width == e->width &&
			dev.rows[i].height == e->height) {
			e->type = V4L2_FRMIVAL_TYPE_DISCRETE;
			e->discrete.numerator = dev.rows[i].numerator;
			e->discrete.denominator = dev.rows[i].denominator;
			return 0;
		}
	return refuse(EINVAL);
}

static int set_format(struct v4l2_format *f)
{
	if (dev.answer.pixelformat) {
		f->fmt.pix = dev.answer;
	} else {
		f->fmt.pix.field = V4L2_FIELD_NONE;
		dev.pix = f->fmt.pix;
	}
	return 0;
}

static int request_buffers(struct v4l2_requestbuffers *rq)
{
	ck_assert_uint_eq(rq->memory, V4L2_MEMORY_MMAP);
	if (dev.gives_count)
		rq->count = dev.count;
	else
		dev.count = rq->count;
	return 0;
}

static int query_buffer(struct v4l2_buffer *b)
{
	b->length = dev.length;
	b->m.offset = b->index * FAKE_BYTES;
	return 0;
}

static int queue_buffer(const struct v4l2_buffer *b)
{
	ck_assert_uint_lt(b->index, dev.count);
	ck_assert(!dev.is_queued[b->index]);
	dev.is_queued[b->index] = true;
	return 0;
}

static int dequeue_buffer(struct v4l2_buffer *b)
{
	if (dev.n_taken == dev.n_filled)
		return refuse(EAGAIN);
	*b = dev.filled[dev.n_taken++];
	if (b->index < dev.count)
		dev.is_queued[b->index] = false;
	return 0;
}

static int answer(unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		*(struct v4l2_capability *)arg = dev.cap;
		return 0;
	case VIDIOC_G_FMT:
		((struct v4l2_format *)arg)->fmt.pix = dev.pix;
		return 0;
	case VIDIOC_S_FMT:
		return set_format(arg);
	case VIDIOC_ENUM_FMT:
		return enum_format(arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_size(arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_interval(arg);
	case VIDIOC_S_PARM:
		dev.interval = ((struct v4l2_streamparm *)arg)->parm.capture.timeperframe;
		return 0;
	case VIDIOC_G_PARM:
		((struct v4l2_streamparm *)arg)->parm.capture.timeperframe = dev.interval;
		return 0;
	case VIDIOC_REQBUFS:
		return request_buffers(arg);
	case VIDIOC_QUERYBUF:
		return query_buffer(arg);
	case VIDIOC_QBUF:
		return queue_buffer(arg);
	case VIDIOC_DQBUF:
		return dequeue_buffer(arg);
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		dev.is_streaming = request == VIDIOC_STREAMON;
		return 0;
	default:
		ck_abort_msg("an ioctl that is not on the list: %#lx", request);
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd != dev.fd)
		return __real_ioctl(fd, request, arg);
	dev.asked++;
	return request == dev.failing ? refuse(dev.error) : answer(request, arg);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (fd != dev.fd || fd < 0)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	ck_assert_int_eq(prot, PROT_READ);
	if (dev.map_fails) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	dev.mapped++;
	return dev.memory[(size_t)offset / FAKE_BYTES];
}

int __wrap_munmap(void *addr, size_t len)
{
	uint8_t *p = addr;

	if (p < dev.memory[0] || p > dev.memory[FAKE_BUFFERS - 1])
		return __real_munmap(addr, len);
	dev.unmapped++;
	return 0;
}
