// The hypervisor adaptor over the C table.
#include <gmock/gmock.h>

#include "core/base/error.hpp"
#include "tests/plugin_host/opener.hpp"
#include "tests/plugin_host/plugin_dir.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;

class HypervisorAdaptor : public testing::Test {
 protected:
  HypervisorAdaptor() {
    dir_.install("fake_hypervisor", "", "hypervisor");
    host_ = dir_.scan();
    hypervisor_ = opener_.over(*host_).open_hypervisor_at(opener_.place(), "fake_hypervisor", "{}");
  }
  DiskSpec disk(const std::string& device) {
    return {"11111111-2222-4333-8444-555555555555", "9f9e0cf5-b3ca-4b9d-9a33-0a1bb4f0f3b1", device, Mode::ro, false,
            {"file", "raw", "/srv/volume", "{}"}};
  }
  std::string attach_error(const std::string& device) {
    try {
      hypervisor_->attach({}, disk(device));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::internal);
      return e.what();
    }
    return "";
  }
  PluginDir dir_;
  std::unique_ptr<PluginHost> host_;
  Opener opener_;
  std::unique_ptr<Hypervisor> hypervisor_;
};

TEST_F(HypervisorAdaptor, tells_facts_and_virtual_machines) {
  EXPECT_THAT(hypervisor_->facts({}).facts, HasSubstr("accepts"));
  ASSERT_EQ(hypervisor_->list_vms({}).size(), 1u);
  const auto vm = hypervisor_->find_vm({}, "guest");
  EXPECT_EQ(vm.uuid, "11111111-2222-4333-8444-555555555555");
  EXPECT_EQ(vm.state, VmState::running);
  EXPECT_STREQ(to_string(vm.state), "running");
}

TEST_F(HypervisorAdaptor, says_not_found_for_a_machine_that_does_not_exist) {
  try {
    hypervisor_->find_vm({}, "nobody");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::not_found);
  }
}

TEST_F(HypervisorAdaptor, refuses_a_machine_other_than_the_one_asked_for) {
  EXPECT_THROW(hypervisor_->find_vm({}, "somebody"), Error);
}

TEST_F(HypervisorAdaptor, attaches_a_disk_and_tells_where_it_is) {
  const auto d = hypervisor_->attach({}, disk("vdb"));
  EXPECT_EQ(d.device, "vdb");
  EXPECT_EQ(d.path, "/srv/volume");
  EXPECT_EQ(d.mode, Mode::ro);
  EXPECT_TRUE(d.live && d.persistent);
}

TEST_F(HypervisorAdaptor, refuses_an_answer_about_another_disk_or_none_or_a_writable_one) {
  EXPECT_THAT(attach_error("stranger"), HasSubstr("with the serial asked for"));
  EXPECT_THAT(attach_error("silent"), HasSubstr("exactly one DISK"));
  EXPECT_THAT(attach_error("writable"), HasSubstr("a writable one was attached"));
}

TEST_F(HypervisorAdaptor, says_not_supported_for_what_the_table_leaves_out) {
  try {
    hypervisor_->detach({}, "u", "s", false);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::not_supported);
  }
}
}  // namespace
}  // namespace vbs::test
