// Volumes behind a real iSCSI target, logged in to by QEMU itself.
#include <gmock/gmock.h>

#include "lab.hpp"
#include "tests/support/tgt_target.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::Not;

constexpr const char* kInitiator = "iqn.2026-01.org.example:node1";

class Iscsi : public Guest {
 protected:
  void SetUp() override {
    VBS_NEEDS_TGT();
    Guest::SetUp();
  }
  plugin::AttachArgs remote(const TgtTarget& target, const std::string& serial, bool read_only = false) const {
    plugin::AttachArgs args;
    args.vm_uuid = uuid();
    args.serial = serial;
    args.read_only = read_only;
    auto data = target.data();
    data.insert(data.size() - 1, R"(,"initiator":")" + std::string(kInitiator) + '"');
    args.source = {"iscsi", "raw", "", data, target.secret};
    return args;
  }
};

TEST_F(Iscsi, TheGuestWritesToTheTargetAndNoTraceOfTheSecretStays) {
  const std::string serial = "aa5c1c6e-7f52-4d6f-9a57-2b2b7a4e1c11";
  const TgtTarget target(serial, kInitiator);
  const auto args = remote(target, serial);
  const auto device = attach(args);
  EXPECT_EQ(in_guest("echo over the wire | dd of=" + device + " conv=fsync 2>/dev/null").status, 0);
  EXPECT_THAT(shell("head -c 13 " + target.file).text, HasSubstr("over the wire"));
  EXPECT_THAT(virsh("dumpxml --security-info vbs-main"), Not(HasSubstr(target.secret)));
  EXPECT_THAT(virsh("secret-list"), HasSubstr("vbs/" + args.vm_uuid + "/" + serial));
  const auto shown = disk(serial);
  EXPECT_EQ(shown.path, "iscsi:" + target.iqn + "/1");
  EXPECT_EQ(shown.size_bytes, 16u << 20);
  EXPECT_EQ(shown.where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  TestCall again;
  EXPECT_EQ(kvm_->attach(again, args), VBS_OK) << again.error;
  TestCall detach;
  EXPECT_EQ(kvm_->detach(detach, args.vm_uuid, serial), VBS_OK) << detach.error;
  EXPECT_THAT(virsh("secret-list"), Not(HasSubstr("vbs/")));
}

TEST_F(Iscsi, AReadOnlyOneRefusesWritesInTheGuest) {
  const std::string serial = "ab5c1c6e-7f52-4d6f-9a57-2b2b7a4e1c11";
  const TgtTarget target(serial, kInitiator, 16, true);
  const auto device = attach(remote(target, serial, true));
  EXPECT_NE(in_guest("echo x | dd of=" + device + " conv=fsync 2>/dev/null").status, 0);
  EXPECT_EQ(in_guest("dd if=" + device + " of=/dev/null count=1 2>/dev/null").status, 0);
}

TEST_F(Iscsi, AWrongSecretIsToldAndNothingIsLeft) {
  const std::string serial = "ac5c1c6e-7f52-4d6f-9a57-2b2b7a4e1c11";
  const TgtTarget target(serial, kInitiator);
  auto args = remote(target, serial);
  args.source.secret = "WrongWrongWrong1";
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_UNAVAILABLE) << call.error;
  EXPECT_THAT(call.error, HasSubstr("does it know this host's initiator and secret?"));
  EXPECT_EQ(disk(serial).where, 0u);
  TestCall detach;  // as the core undoes a failed attach
  EXPECT_EQ(kvm_->detach(detach, args.vm_uuid, serial), VBS_OK) << detach.error;
  EXPECT_THAT(virsh("secret-list"), Not(HasSubstr("vbs/")));
}

TEST_F(Iscsi, SourcesThatCannotBeAreRefusedByName) {
  const std::string serial = "ad5c1c6e-7f52-4d6f-9a57-2b2b7a4e1c11";
  const TgtTarget target(serial, kInitiator);
  auto args = remote(target, serial);
  args.source.secret.clear();
  TestCall no_secret;
  EXPECT_EQ(kvm_->attach(no_secret, args), VBS_INVALID);
  EXPECT_THAT(no_secret.error, HasSubstr("without a secret"));
  args = remote(target, serial);
  args.source.data = R"({"iqn":"iqn.x:y","portals":["nowhere"],"lun":1,"user":"u","initiator":"i"})";
  TestCall no_port;
  EXPECT_EQ(kvm_->attach(no_port, args), VBS_INVALID);
  EXPECT_THAT(no_port.error, HasSubstr("ADDRESS:PORT"));
}
}  // namespace
}  // namespace vbs::test
