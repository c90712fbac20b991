#include "plugins/hv_kvm/disk_xml.hpp"

#include <gmock/gmock.h>

#include "fake_host.hpp"
#include "plugins/hv_kvm/domain_xml.hpp"

namespace vbs::kvm {
namespace {

using plugin::AttachArgs;
using testing::HasSubstr;
using testing::Not;

constexpr const char* serial = "0b5c1c6e-7f52-4d6f-9a57-2b2b7a4e1c11";

AttachArgs raw_args() {
  AttachArgs args;
  args.vm_uuid = "vm";
  args.serial = serial;
  args.source = {"file", "raw", "/volumes/a.raw", ""};
  return args;
}

Config owners_to_libvirt() {
  Config c;
  c.keep_owner = false;
  return c;
}
DiskSpec check(const AttachArgs& args) { return check_disk(plugin::Host(test::fake_host()), args); }

vbs_status refusal(const AttachArgs& args) {
  try {
    check(args);
  } catch (const plugin::Error& e) {
    return e.status();
  }
  return VBS_OK;
}

TEST(DiskXml, AReadOnlyDiskIsReadonlyAndNeverShareable) {
  auto args = raw_args();
  args.shared = true;  // means several writers; a reader stays a reader
  const auto xml = disk_xml(check(args), "vdb", owners_to_libvirt());
  EXPECT_THAT(xml, HasSubstr("<readonly"));
  EXPECT_THAT(xml, Not(HasSubstr("<shareable")));
}

TEST(DiskXml, OnlySeveralWritersOfARawDiskAreShareable) {
  auto args = raw_args();
  args.read_only = false;
  EXPECT_THAT(disk_xml(check(args), "vdb", owners_to_libvirt()), Not(HasSubstr("<shareable")));
  args.shared = true;
  EXPECT_THAT(disk_xml(check(args), "vdb", owners_to_libvirt()), HasSubstr("<shareable"));
  args.source.format = "qcow2";
  EXPECT_EQ(refusal(args), VBS_NOT_SUPPORTED);
}

TEST(DiskXml, TheWholeChainIsNestedWithItsFormatsAndEnds) {
  auto args = raw_args();
  args.source = {"file", "qcow2", "/v/top",
                 R"({"backing":[{"path":"/v/mid","format":"qcow2"},{"path":"/v/base","format":"raw"}]})"};
  EXPECT_THAT(disk_xml(check(args), "vdb", owners_to_libvirt()),
              HasSubstr("<source file=\"/v/top\"/><backingStore type=\"file\"><format type=\"qcow2\"/>"
                        "<source file=\"/v/mid\"/><backingStore type=\"file\"><format type=\"raw\"/>"
                        "<source file=\"/v/base\"/><backingStore/></backingStore></backingStore>"));
}

TEST(DiskXml, ARawDiskSaysThatNothingIsUnderIt) {
  EXPECT_THAT(disk_xml(check(raw_args()), "vdb", owners_to_libvirt()),
              HasSubstr("<source file=\"/volumes/a.raw\"/><backingStore/>"));
}

TEST(DiskXml, TheTopSaysThatOwnersStayWhereTheyAreToBeKept) {
  constexpr auto label = R"(<seclabel model="dac" relabel="no"/>)";
  const auto spec = check(raw_args());
  const Config keep;
  EXPECT_THAT(disk_xml(spec, "vdb", owners_to_libvirt()), Not(HasSubstr(label)));
  EXPECT_THAT(disk_xml(spec, "vdb", keep),
              HasSubstr(std::string("<source file=\"/volumes/a.raw\">") + label + "</source>"));
  EXPECT_THAT(switched_xml("<disk><driver/><source file='/old'/></disk>", spec, keep), HasSubstr(label));
  XmlDisk disk;
  disk.device = "vdb";
  EXPECT_THAT(switch_xml({disk}, "vdb", spec, keep), HasSubstr(label));
}

TEST(DiskXml, ABackingFileWithoutAFormatIsRefused) {
  auto args = raw_args();
  args.source = {"file", "qcow2", "/v/top", R"({"backing":[{"path":"/v/base"}]})"};
  EXPECT_EQ(refusal(args), VBS_INVALID);
}

TEST(DiskXml, ARawSourceWithABackingFileIsRefused) {
  auto args = raw_args();
  args.source.data = R"({"backing":[{"path":"/etc/shadow","format":"raw"}]})";
  EXPECT_EQ(refusal(args), VBS_INVALID);
}

TEST(DiskXml, MarkupInAPathStaysText) {
  auto args = raw_args();
  args.source.path = "/v/a'/><readonly x=\"&<";
  const auto xml = disk_xml(check(args), "vdb", owners_to_libvirt());
  const auto domain = parse_domain("<domain><devices>" + xml + "</devices></domain>");
  ASSERT_EQ(domain.disks.size(), 1u);
  EXPECT_EQ(domain.disks[0].path, args.source.path);
}

TEST(DiskXml, PathsThatAreRelativeOrHoldControlCharactersAreRefused) {
  for (const char* path : {"", "a.raw", "/v/a\nb", "/v/\x01"}) {
    auto args = raw_args();
    args.source.path = path;
    EXPECT_EQ(refusal(args), VBS_INVALID) << path;
  }
}

TEST(DiskXml, ASerialThatLibvirtWouldNotTakeIsRefused) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a'b"), std::string(37, 'a')}) {
    auto args = raw_args();
    args.serial = bad;
    EXPECT_EQ(refusal(args), VBS_INVALID) << bad;
  }
}

TEST(DiskXml, ANetworkSourceIsNotSupported) {
  auto args = raw_args();
  args.source.kind = "network";
  EXPECT_EQ(refusal(args), VBS_NOT_SUPPORTED);
}

TEST(DiskXml, TheDeviceNameDecidesTheBusAndWhereAnIothreadGoes) {
  Config config;
  config.iothread = 1;
  const auto spec = check(raw_args());
  EXPECT_THAT(disk_xml(spec, "vdc", config), HasSubstr("bus=\"virtio\""));
  EXPECT_THAT(disk_xml(spec, "vdc", config), HasSubstr("iothread=\"1\""));
  EXPECT_THAT(disk_xml(spec, "sdc", config), HasSubstr("bus=\"scsi\""));
  EXPECT_THAT(disk_xml(spec, "sdc", config), Not(HasSubstr("iothread")));
}

TEST(DiskXml, ABlockDeviceIsASourceDev) {
  auto args = raw_args();
  args.source = {"block", "raw", "/dev/vg/lv", ""};
  const auto xml = disk_xml(check(args), "vdb", owners_to_libvirt());
  EXPECT_THAT(xml, HasSubstr("<disk type=\"block\""));
  EXPECT_THAT(xml, HasSubstr("<source dev=\"/dev/vg/lv\"/>"));
}

}  // namespace
}  // namespace vbs::kvm
