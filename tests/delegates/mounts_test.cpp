#include "core/delegates/mounts.hpp"

#include <gtest/gtest.h>

namespace vbs {
namespace {
constexpr const char* kMounts =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "40 22 0:35 / /srv/nfs rw,relatime shared:9 - nfs4 server:/export rw\n"
    "41 22 0:36 / /srv/my\\040glu rw shared:10 master:2 - fuse.glusterfs server:vol rw\n"
    "42 40 254:2 / /srv/nfs/local rw - xfs /dev/vdb rw\n"
    "43 22 0:37 / /srv/lustre rw - lustre mgs@tcp:/scratch rw,flock\n";

TEST(HangingMount, is_found_by_the_longest_mount_point_above_the_path) {
  EXPECT_EQ(hanging_mount(kMounts, "/srv/nfs"), "nfs4");
  EXPECT_EQ(hanging_mount(kMounts, "/srv/nfs/a/b"), "nfs4");
  EXPECT_EQ(hanging_mount(kMounts, "/srv/lustre/vbs"), "lustre");
  EXPECT_EQ(hanging_mount(kMounts, "/srv/nfs/local/a"), "");
  EXPECT_EQ(hanging_mount(kMounts, "/srv/nfsother"), "");
  EXPECT_EQ(hanging_mount(kMounts, "/var/lib/vbs"), "");
}

TEST(HangingMount, is_found_where_the_point_has_a_blank_and_the_path_has_dots) {
  EXPECT_EQ(hanging_mount(kMounts, "/srv/my glu/x"), "fuse.glusterfs");
  EXPECT_EQ(hanging_mount(kMounts, "/srv/other/../nfs/x"), "nfs4");
}

TEST(HangingMount, is_that_which_was_mounted_last_on_a_point) {
  const auto covered = std::string(kMounts) + "50 22 254:3 / /srv/lustre rw - ext4 /dev/vdc rw\n";
  EXPECT_EQ(hanging_mount(covered, "/srv/lustre/vbs"), "");
}

TEST(HangingMount, of_text_that_is_no_mountinfo_is_none) {
  EXPECT_EQ(hanging_mount("", "/srv/nfs"), "");
  EXPECT_EQ(hanging_mount("a b c\n- -\n", "/srv/nfs"), "");
}
}  // namespace
}  // namespace vbs
