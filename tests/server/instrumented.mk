# SPDX-License-Identifier: BSD-3-Clause
# The plugin once more, as $(OUT)/mirror.so, made with FLAGS (a sanitizer's):
# make -f Makefile -f instrumented.mk OUT=... FLAGS=..., in the build folder,
# nothing of which is changed.

instrumented = $(patsubst %.c,$(OUT)/%.o,$(filter %.c, \
	$(nbdkit_mirror_plugin_la_SOURCES) \
	$(lib_libcontrol_la_SOURCES) $(lib_libengine_la_SOURCES) \
	$(lib_libmembers_la_SOURCES) $(lib_liblook_la_SOURCES) \
	$(lib_liblegs_la_SOURCES) $(lib_liblogic_la_SOURCES) \
	$(lib_libground_la_SOURCES)))

$(OUT)/mirror.so: $(instrumented)
	$(CC) -shared -pthread $(FLAGS) -o $@ $^ \
	  -Wl,--version-script=$(top_srcdir)/plugin/mirror.syms \
	  -Wl,-z,nodelete $(LIBNBD_LIBS) $(LIBURING_LIBS) $(BLKID_LIBS) \
	  $(GLIB_LIBS) $(JSON_LIBS)

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(DEFS) $(AM_CPPFLAGS) -I$(top_srcdir) $(NBDKIT_CFLAGS) \
	  $(LIBNBD_CFLAGS) $(LIBURING_CFLAGS) $(BLKID_CFLAGS) \
	  $(GLIB_CFLAGS) $(JSON_CFLAGS) \
	  -std=gnu11 -pthread -fPIC -fvisibility=hidden -g $(FLAGS) -c -o $@ $<
