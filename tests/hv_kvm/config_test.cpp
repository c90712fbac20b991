#include "plugins/hv_kvm/config.hpp"

#include <gmock/gmock.h>

#include "fake_host.hpp"

namespace vbs::kvm {
namespace {

Config read(const char* json) { return read_config(plugin::Host(test::fake_host()), json); }

std::string refusal(const char* json) {
  try {
    read(json);
  } catch (const plugin::Error& e) {
    EXPECT_EQ(e.status(), VBS_INVALID);
    return e.what();
  }
  return "accepted";
}

TEST(KvmConfig, AnEmptyObjectGivesTheSafeDefaults) {
  const auto c = read("{}");
  EXPECT_EQ(c.uri, "qemu:///system");
  EXPECT_EQ(c.cache, "none");
  EXPECT_EQ(c.io, "threads");
  EXPECT_EQ(c.detach_timeout_s, 20u);
  EXPECT_FALSE(c.attach_shut_off);
  EXPECT_TRUE(c.keep_owner);
}

TEST(KvmConfig, OwnersAreLeftToLibvirtOnRequestAndToASessionThatCannotChangeThem) {
  EXPECT_FALSE(read(R"({"file_owner":"libvirt"})").keep_owner);
  EXPECT_FALSE(read(R"({"uri":"qemu:///session"})").keep_owner);
  EXPECT_FALSE(read(R"({"uri":"qemu+unix:///session?socket=/run/system"})").keep_owner);
  EXPECT_TRUE(read(R"({"uri":"qemu+unix:///system?socket=/run/session"})").keep_owner);
  EXPECT_THAT(refusal(R"({"file_owner":"root"})"), testing::HasSubstr("allowed: keep, libvirt"));
}

TEST(KvmConfig, AWrongValueIsRefusedWithItsKeyAndWhatIsAllowed) {
  EXPECT_EQ(refusal(R"({"cache":"unsafe"})"),
            "hv_kvm: cache is \"unsafe\"; allowed: none, directsync, writeback, writethrough");
  EXPECT_THAT(refusal(R"({"detach_timeout_s":0})"), testing::HasSubstr("detach_timeout_s is \"0\""));
  EXPECT_THAT(refusal(R"({"detach_timeout_s":"20s"})"), testing::HasSubstr("from 1 to 600"));
  EXPECT_THAT(refusal(R"({"physical_block_bytes":1024})"), testing::HasSubstr("512, 4096"));
  EXPECT_THAT(refusal("{"), testing::HasSubstr("malformed JSON"));
}

TEST(KvmConfig, OptionsThatExcludeEachOtherAreRefusedTogether) {
  EXPECT_THAT(refusal(R"({"io":"native","cache":"writeback"})"), testing::HasSubstr("O_DIRECT"));
  EXPECT_THAT(refusal(R"({"bus":"scsi","iothread":1})"), testing::HasSubstr("bus virtio"));
}

}  // namespace
}  // namespace vbs::kvm
