#include "plugins/hv_kvm/plan.hpp"

#include <gmock/gmock.h>

namespace vbs::kvm {
namespace {

using testing::HasSubstr;

constexpr const char* our_disk =
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/v/a.raw' index='2'/>"
    "<target dev='vdb' bus='virtio'/><serial>vol-a</serial><alias name='ua-vbs-vol-a'/></disk>";
constexpr const char* other_disk =
    "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/root'/>"
    "<target dev='vda' bus='virtio'/><readonly/></disk>";

DomainXml domain(const std::string& devices, bool live) {
  return parse_domain(std::string("<domain type='qemu'") + (live ? " id='3'" : "") + "><devices>" + devices +
                      "</devices></domain>");
}

VmView running(const std::string& live, const std::string& definition) {
  return {"web", domain(live, true), domain(definition, false)};
}

DiskSpec spec() { return {.serial = "vol-a", .top = {"/v/a.raw", "raw"}, .backing = {}, .read_only = false}; }

template <class F>
std::pair<vbs_status, std::string> refusal(F f) {
  try {
    f();
  } catch (const plugin::Error& e) {
    return {e.status(), e.what()};
  }
  return {VBS_OK, ""};
}

TEST(ParseDomain, ReadsWhatAnAttachAndADetachNeed) {
  const auto d = domain(std::string(other_disk) + our_disk + "<controller type='scsi' model='virtio-scsi'/>", true);
  EXPECT_TRUE(d.live);
  EXPECT_TRUE(d.virtio_scsi);
  const auto* ours = d.by_serial("vol-a");
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(ours->device, "vdb");
  EXPECT_EQ(ours->path, "/v/a.raw");
  EXPECT_EQ(ours->alias, "ua-vbs-vol-a");
  EXPECT_FALSE(ours->read_only);
  EXPECT_TRUE(d.by_device("vda")->read_only);
  EXPECT_EQ(d.by_device("vda")->path, "/dev/vg/root");
}

TEST(ParseDomain, ImagesOfNoDiskAreLeftOverAndOthersAreNot) {
  const auto d = parse_domain(
      "<domain id='1'><devices><disk><source file='/top' index='3'/><backingStore><source file='/base' index='2'/>"
      "</backingStore></disk></devices></domain>");
  EXPECT_FALSE(is_leftover_node("libvirt-3-format", d.images));
  EXPECT_FALSE(is_leftover_node("libvirt-2-storage", d.images));
  EXPECT_TRUE(is_leftover_node("libvirt-4-format", d.images));
  EXPECT_TRUE(is_leftover_node("libvirt-23-storage", d.images));
  for (const auto* other : {"libvirt-pflash0-storage", "libvirt--storage", "libvirt-4", "#block123", "libvirt-4-other"})
    EXPECT_FALSE(is_leftover_node(other, d.images)) << other;
}

TEST(ParseDomain, AnEmptySerialMatchesNoDisk) { EXPECT_EQ(domain(other_disk, true).by_serial(""), nullptr); }

TEST(ParseDomain, WhatIsNoDomainIsAnError) {
  EXPECT_THROW(parse_domain("<network/>"), plugin::Error);
  EXPECT_THROW(parse_domain("<domain"), plugin::Error);
}

TEST(PlanAttach, ARunningPersistentVmGetsTheDiskLiveAndDefined) {
  const auto plan = plan_attach(running(other_disk, other_disk), spec(), "", {});
  EXPECT_TRUE(plan.live && plan.definition);
  EXPECT_EQ(plan.device, "vdb");
}

TEST(PlanAttach, ATransientVmGetsTheDiskLiveOnly) {
  const auto plan = plan_attach({"web", domain("", true), {}}, spec(), "/dev/vdf", {});
  EXPECT_TRUE(plan.live);
  EXPECT_FALSE(plan.definition);
  EXPECT_EQ(plan.device, "vdf");
}

TEST(PlanAttach, ANameThatOnlyTheDefinitionHasIsTakenToo) {
  EXPECT_EQ(plan_attach(running("", other_disk), spec(), "", {}).device, "vdb");
}

TEST(PlanAttach, TheSameDiskAgainNeedsNothing) {
  const auto plan = plan_attach(running(our_disk, our_disk), spec(), "vdz", {});
  EXPECT_FALSE(plan.live || plan.definition);
  EXPECT_EQ(plan.device, "vdb");
}

TEST(PlanAttach, AHalfThatIsMissingIsAddedUnderTheSameName) {
  auto plan = plan_attach(running(our_disk, ""), spec(), "", {});
  EXPECT_FALSE(plan.live);
  EXPECT_TRUE(plan.definition);
  EXPECT_EQ(plan.device, "vdb");
  plan = plan_attach(running("", our_disk), spec(), "", {});
  EXPECT_TRUE(plan.live);
  EXPECT_FALSE(plan.definition);
  EXPECT_EQ(plan.device, "vdb");
}

TEST(PlanAttach, AMissingHalfWhoseNameIsTakenThereGetsAnother) {
  const std::string taken = "<disk><source file='/v/x'/><target dev='vdb'/></disk>";
  EXPECT_EQ(plan_attach(running(our_disk, taken), spec(), "", {}).device, "vda");
}

TEST(PlanAttach, AnotherModeOrPathUnderTheSerialIsAConflict) {
  auto other = spec();
  other.read_only = true;
  EXPECT_EQ(refusal([&] { plan_attach(running(our_disk, our_disk), other, "", {}); }).first, VBS_CONFLICT);
  other = spec();
  other.top.path = "/v/b.raw";
  const auto [status, text] = refusal([&] { plan_attach(running("", our_disk), other, "", {}); });
  EXPECT_EQ(status, VBS_CONFLICT);
  EXPECT_THAT(text, HasSubstr("detach it first"));
}

TEST(PlanAttach, ATakenNameIsAConflictThatNamesItsHolder) {
  const auto [status, text] = refusal([] { plan_attach(running(other_disk, ""), spec(), "vda", {}); });
  EXPECT_EQ(status, VBS_CONFLICT);
  EXPECT_EQ(text, "device vda of VM web is taken by /dev/vg/root: name another device or none");
}

TEST(PlanAttach, NamesThatAreNoneOfKvmAreInvalid) {
  for (const char* name : {"xvdb", "vd", "vdB", "vd1", "vdabcd", "hda", "/dev/disk/by-id/x"}) {
    EXPECT_EQ(refusal([&] { plan_attach(running("", ""), spec(), name, {}); }).first, VBS_INVALID) << name;
  }
}

TEST(PlanAttach, ScsiWithoutItsControllerIsNotSupported) {
  EXPECT_EQ(refusal([] { plan_attach(running("", ""), spec(), "sda", {}); }).first, VBS_NOT_SUPPORTED);
}

TEST(PlanAttach, AVmThatIsShutOffIsBusyUnlessConfigured) {
  const VmView vm{"web", {}, domain("", false)};
  EXPECT_EQ(refusal([&] { plan_attach(vm, spec(), "", {}); }).first, VBS_BUSY);
  Config config;
  config.attach_shut_off = true;
  const auto plan = plan_attach(vm, spec(), "", config);
  EXPECT_TRUE(!plan.live && plan.definition);
}

TEST(PlanAttach, ADiskThatAStoppedVmHasKeptIsThere) {
  const VmView vm{"web", {}, domain(our_disk, false)};
  EXPECT_EQ(plan_attach(vm, spec(), "", {}).device, "vdb");
}

TEST(PlanAttach, AfterZComeTwoLetters) {
  std::string disks;
  for (char c = 'a'; c <= 'z'; ++c) disks += std::string("<disk><target dev='vd") + c + "'/></disk>";
  EXPECT_EQ(plan_attach(running(disks, ""), spec(), "", {}).device, "vdaa");
}

}  // namespace
}  // namespace vbs::kvm
