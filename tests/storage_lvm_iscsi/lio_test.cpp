// SPDX-License-Identifier: MIT
#include "plugins/storage_lvm_iscsi/lio.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "plain_tree.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
using lvm::Access;

constexpr const char* kVolume = "5e570000-0000-4000-8000-000000000001";
constexpr const char* kDevice = "/dev/vg0/vbs.x.1";
const Access kReader{"iqn.2026-01.org.example.host:1", "user-1", "abcdefgh12345678", true};
const Access kWriter{"iqn.2026-01.org.example.host:2", "user-2", "ABCDEFGH12345678", false};

class LioTest : public testing::Test {
 protected:
  LioTest() {
    config_.lio_root = directory_.path() + "/target";
    config_.iqn_prefix = "iqn.2026-01.org.example";
    config_.portals = {"10.98.0.11:3260", "[fd00::1]:3260"};
    auto tree = std::make_unique<PlainTree>(config_.lio_root);
    tree_ = tree.get();
    tree_->make_dir(config_.lio_root + "/iscsi");
    lio_ = std::make_unique<lvm::Lio>(plugin::Host(nullptr), config_, std::move(tree));
    lio_->prepare(call_);
  }
  std::string group() const { return config_.lio_root + "/iscsi/iqn.2026-01.org.example:" + kVolume + "/tpgt_1"; }
  std::string read(const std::string& path) const { return tree_->read(group() + path); }
  bool completes(const std::function<void()>& f) {
    try {
      f();
      return true;
    } catch (const Killed&) {
      return false;
    }
  }

  TemporaryDirectory directory_;
  lvm::Config config_;
  PlainTree* tree_ = nullptr;
  std::unique_ptr<lvm::Lio> lio_;
  FakeCall fake_;
  plugin::Call call_{fake_.raw()};
};

TEST_F(LioTest, MakesWhatOneWouldMakeByHand) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  lio_->grant(call_, kVolume, kDevice, kWriter);
  const auto store = config_.lio_root + "/core/iblock_827/" + kVolume;
  EXPECT_EQ(tree_->read(store + "/udev_path"), kDevice);
  EXPECT_EQ(tree_->read(store + "/wwn/vpd_unit_serial"), kVolume);
  EXPECT_EQ(tree_->read(store + "/enable"), "1");
  EXPECT_EQ(read("/attrib/authentication"), "1");
  EXPECT_EQ(read("/attrib/generate_node_acls"), "0");
  EXPECT_EQ(read("/attrib/demo_mode_discovery"), "0");
  EXPECT_EQ(read("/param/AuthMethod"), "CHAP");
  EXPECT_EQ(read("/enable"), "1");
  EXPECT_EQ(tree_->directories(group() + "/np"), config_.portals);
  EXPECT_EQ(tree_->directories(group() + "/lun"), std::vector<std::string>{"lun_1"});
  for (const auto& access : {kReader, kWriter}) {
    const auto acl = "/acls/" + access.initiator;
    EXPECT_EQ(read(acl + "/auth/userid"), access.user);
    EXPECT_EQ(read(acl + "/auth/password"), access.secret);
    EXPECT_EQ(read(acl + "/lun_1/write_protect"), access.read_only ? "1" : "0");
    EXPECT_EQ(tree_->links(group() + acl + "/lun_1").size(), 1u);
  }
}

TEST_F(LioTest, LetsNobodyInBeforeAllOfItIsThere) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  EXPECT_TRUE(tree_->written.back().ends_with("/tpgt_1/enable=1")) << tree_->written.back();
  const auto at = [&](const char* end) {
    return std::find_if(tree_->written.begin(), tree_->written.end(), [&](const auto& w) { return w.ends_with(end); });
  };
  EXPECT_LT(at("/vpd_unit_serial=5e570000-0000-4000-8000-000000000001"),
            at("/iblock_827/5e570000-0000-4000-8000-000000000001/enable=1"));
}

// There is no moment at which the kernel would let a reader write.
TEST_F(LioTest, MappedLunsBeginWriteProtected) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  EXPECT_EQ(std::count_if(tree_->written.begin(), tree_->written.end(),
                          [](const auto& w) { return w.ends_with("/write_protect=0"); }),
            0);
  EXPECT_EQ(read("/attrib/prod_mode_write_protect"), "1");
}

TEST_F(LioTest, AgainChangesNothing) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  tree_->written.clear();
  lio_->grant(call_, kVolume, kDevice, kReader);
  EXPECT_TRUE(tree_->written.empty()) << tree_->written.front();
}

TEST_F(LioTest, WidensAndNarrowsTheSameInitiator) {
  for (const bool read_only : {true, false, true}) {
    auto access = kReader;
    access.read_only = read_only;
    lio_->grant(call_, kVolume, kDevice, access);
    EXPECT_EQ(read("/acls/" + access.initiator + "/lun_1/write_protect"), read_only ? "1" : "0");
  }
}

TEST_F(LioTest, KeepsTheTargetUntilTheLastInitiatorIsGone) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  lio_->grant(call_, kVolume, kDevice, kWriter);
  lio_->revoke(call_, kVolume, kReader.initiator, kReader.user);
  EXPECT_EQ(tree_->directories(group() + "/acls"), std::vector<std::string>{kWriter.initiator});
  EXPECT_EQ(read("/enable"), "1");
  lio_->revoke(call_, kVolume, kWriter.initiator, kWriter.user);
  EXPECT_TRUE(tree_->is_empty());
  lio_->revoke(call_, kVolume, kWriter.initiator, kWriter.user);
}

TEST_F(LioTest, KilledAnywhereInAGrantIsPutRightByTheNextCall) {
  for (int n = 0;; ++n) {
    tree_->steps = 0;
    tree_->kill_at = n;
    const bool whole = completes([&] { lio_->grant(call_, kVolume, kDevice, kReader); });
    tree_->kill_at = -1;
    if (n % 2 == 0) {
      lio_->grant(call_, kVolume, kDevice, kReader);
      EXPECT_EQ(read("/enable"), "1");
      EXPECT_EQ(read("/acls/" + kReader.initiator + "/lun_1/write_protect"), "1");
    }
    lio_->revoke(call_, kVolume, kReader.initiator, kReader.user);
    ASSERT_TRUE(tree_->is_empty()) << "killed at change " << n;
    if (whole) break;
    ASSERT_LT(n, 100);
  }
}

TEST_F(LioTest, KilledAnywhereInARevokeIsPutRightByTheNextCall) {
  for (int n = 0;; ++n) {
    lio_->grant(call_, kVolume, kDevice, kReader);
    tree_->steps = 0;
    tree_->kill_at = n;
    const bool whole = completes([&] { lio_->revoke(call_, kVolume, kReader.initiator, kReader.user); });
    tree_->kill_at = -1;
    if (n % 2 == 0) {
      lio_->grant(call_, kVolume, kDevice, kReader);
      EXPECT_EQ(read("/enable"), "1");
    }
    lio_->revoke(call_, kVolume, kReader.initiator, kReader.user);
    ASSERT_TRUE(tree_->is_empty()) << "killed at change " << n;
    if (whole) break;
    ASSERT_LT(n, 100);
  }
}

TEST_F(LioTest, TakesTheDeviceThatARevertGaveTheVolumeUnlessTheOldOneIsExported) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  EXPECT_THROW(lio_->grant(call_, kVolume, "/dev/vg0/vbs.x.2", kWriter), plugin::Error);
  lio_->revoke(call_, kVolume, kReader.initiator, kReader.user);
  lio_->grant(call_, kVolume, "/dev/vg0/vbs.x.2", kWriter);
  EXPECT_EQ(tree_->read(config_.lio_root + "/core/iblock_827/" + kVolume + "/udev_path"), "/dev/vg0/vbs.x.2");
}

TEST_F(LioTest, LeavesAnotherExportToTheSameInitiatorAlone) {
  lio_->grant(call_, kVolume, kDevice, kReader);
  auto other = kReader;
  other.user = "user-9";
  other.secret = "otherSecret12345";
  EXPECT_THROW(lio_->grant(call_, kVolume, kDevice, other), plugin::Error);
  lio_->revoke(call_, kVolume, other.initiator, other.user);
  EXPECT_EQ(read("/acls/" + kReader.initiator + "/auth/password"), kReader.secret);
}

TEST_F(LioTest, TellsASessionFromNone) {
  EXPECT_FALSE(lio_->has_session(call_, kVolume, kReader.initiator));
  lio_->grant(call_, kVolume, kDevice, kReader);
  EXPECT_FALSE(lio_->has_session(call_, kVolume, kReader.initiator));
  std::ofstream(group() + "/acls/" + kReader.initiator + "/info")
      << "InitiatorName: iqn.2026-01.org.example.host:1\nInitiatorAlias: \nLIO Session ID: 1\n";
  EXPECT_TRUE(lio_->has_session(call_, kVolume, kReader.initiator));
}

TEST(Initiators, AreNamesOfRfc7143InLowerCase) {
  for (const char* good : {"iqn.1993-08.org.debian:01:abc", "eui.02004567a425678d", "naa.52004567ba64678d"})
    EXPECT_NO_THROW(lvm::check_initiator(good)) << good;
  for (const std::string bad : {std::string(), std::string("host"), std::string("iqn.1993-08.org.debian:A"),
                                std::string("iqn.x/../y"), "iqn." + std::string(220, 'a'), std::string("iqn.a b")})
    EXPECT_THROW(lvm::check_initiator(bad), plugin::Error) << bad;
}

TEST(Secrets, AreNeverInTheMessageThatRefusesThem) {
  for (const std::string bad : {"short", "with a blank in it", "with\nnewline1234"}) {
    try {
      lvm::check_secret(bad);
      FAIL() << bad;
    } catch (const plugin::Error& e) {
      EXPECT_EQ(std::string(e.what()).find(bad), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace vbs::test
