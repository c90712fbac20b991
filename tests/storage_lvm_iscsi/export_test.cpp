// SPDX-License-Identifier: MIT
//
// Exports through LIO and tgt, looked at from outside with libiscsi's tools: who gets in, what it may do, what it sees.
#include <unistd.h>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
constexpr const char* kSecret = "abcdefgh12345678";
constexpr const char* kOtherSecret = "ABCDEFGH12345678";

std::string initiator(int n) { return "iqn.2026-01.org.example.host:" + std::to_string(n); }
std::string export_id(int n) { return uuid(500 + n); }
std::string iqn(const std::string& volume) { return "iqn.2026-01.org.example:" + volume; }

class Export : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    b_->new_volume(volume_, 8 * MiB);
  }
  void TearDown() override {
    if (b_ && b_->is_open() && b_->objects.count(volume_) != 0)
      for (const int n : {1, 2}) revoke(volume_, n);
    BackendTest::TearDown();
  }

  std::unique_ptr<FakeCall> call(const std::string& volume, int n, bool read_only, const std::string& secret,
                                 vbs_status (*f)(void*, vbs_call*, const vbs_export_args*)) {
    const auto id = export_id(n), name = initiator(n), refs = b_->refs(volume);
    vbs_export_args a{};
    a.size = sizeof a;
    a.mode = read_only ? VBS_MODE_RO : VBS_MODE_RW;
    a.export_id = plugin::str(id);
    a.volume_id = plugin::str(volume);
    a.volume_refs = plugin::str(refs);
    a.host = plugin::str("node");
    a.initiator = plugin::str(name);
    a.secret = plugin::str(secret);
    auto c = std::make_unique<FakeCall>();
    c->status = f(b_->instance(), c->raw(), &a);
    return c;
  }
  std::unique_ptr<FakeCall> grant(const std::string& volume, int n, bool read_only,
                                  const std::string& secret = kSecret) {
    return call(volume, n, read_only, secret, b_->table().export_object);
  }
  std::unique_ptr<FakeCall> revoke(const std::string& volume, int n) {
    return call(volume, n, true, kSecret, b_->table().unexport);
  }
  vbs_status sessions(int n) { return call(volume_, n, true, kSecret, b_->table().live_sessions)->status; }

  bool on_tgt() const { return GetParam().name == "tgt"; }
  std::string port() const { return on_tgt() ? "3261" : "3260"; }
  std::string url(const std::string& volume, int user, const std::string& secret = kSecret) {
    return "iscsi://vbs-" + export_id(user) + "%" + secret + "@127.0.0.1:" + port() + "/" + iqn(volume) + "/1";
  }
  CommandOutcome inquiry(int n, const std::string& where, const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{"timeout", "20", "iscsi-inq", "-i", initiator(n)};
    argv.insert(argv.end(), more.begin(), more.end());
    argv.push_back(where);
    return run(argv);
  }
  bool conforms(const std::string& test) {
    const auto r = run({"timeout", "60", "iscsi-test-cu", "-d", "-i", initiator(1), "-t", test, url(volume_, 1)});
    const auto passed = r.out.find("passed") != std::string::npos && r.out.find("CU_ASSERT") == std::string::npos &&
                        r.out.find("CU_FAIL") == std::string::npos;
    const auto failed = r.out.find("CU_ASSERT") != std::string::npos || r.out.find("CU_FAIL") != std::string::npos;
    EXPECT_NE(passed, failed) << r.out << r.err;
    return passed;
  }
  std::vector<std::string> left_in_target() const {
    if (on_tgt()) {
      const auto shown = run({"tgtadm", "--lld", "iscsi", "--mode", "target", "--op", "show"}).out +
                         run({"tgtadm", "--lld", "iscsi", "--mode", "account", "--op", "show"}).out;
      return shown.find("5e570000") == std::string::npos ? std::vector<std::string>{} : std::vector{shown};
    }
    const auto r =
        run({"sh", "-c",
             "ls -d /sys/kernel/config/target/iscsi/iqn.* /sys/kernel/config/target/core/iblock_827/*-* 2>/dev/null"});
    return r.out.empty() ? std::vector<std::string>{} : std::vector{r.out};
  }
  const std::string volume_ = uuid(1);
};
ON_EVERY_DISK(Export);

TEST_P(Export, AnswersWhereTheVolumeIsAndNeverTheSecret) {
  const auto made = grant(volume_, 1, false);
  ASSERT_EQ(made->status, VBS_OK) << made->message;
  EXPECT_FALSE(made->connection.read_only);
  EXPECT_EQ(made->connection.kind, "iscsi");
  EXPECT_EQ(made->connection.format, "raw");
  EXPECT_EQ(made->connection.data, "{\"iqn\":\"" + iqn(volume_) + "\",\"portals\":[\"127.0.0.1:" + port() +
                                       "\"],\"lun\":1,\"user\":\"vbs-" + export_id(1) + "\"}");
  EXPECT_EQ((made->connection.refs + made->log + made->message + b_->host.log()).find(kSecret), std::string::npos);
}

TEST_P(Export, ShowsTheVolumesIdAsSerialNumberAndItsSize) {
  ASSERT_EQ(grant(volume_, 1, false)->status, VBS_OK);
  const auto serial = inquiry(1, url(volume_, 1), {"-e", "1", "-c", "128"});
  EXPECT_NE(serial.out.find(volume_), std::string::npos) << serial.out << serial.err;
  const auto size = run({"timeout", "20", "iscsi-readcapacity16", "-i", initiator(1), url(volume_, 1)});
  EXPECT_NE(size.out.find("Total size:8388608"), std::string::npos) << size.out << size.err;
}

TEST_P(Export, LetsNobodyInWithAnotherSecretUserOrInitiatorName) {
  ASSERT_EQ(grant(volume_, 1, false)->status, VBS_OK);
  ASSERT_EQ(grant(volume_, 2, false, kOtherSecret)->status, VBS_OK);
  EXPECT_EQ(inquiry(1, url(volume_, 1)).exit_status, 0);
  EXPECT_EQ(inquiry(2, url(volume_, 2, kOtherSecret)).exit_status, 0);
  EXPECT_NE(inquiry(1, url(volume_, 1, kOtherSecret)).exit_status, 0) << "wrong secret";
  if (!on_tgt()) {  // there, users belong to the target
    EXPECT_NE(inquiry(1, url(volume_, 2, kOtherSecret)).exit_status, 0) << "another host's user and secret";
  }
  EXPECT_NE(inquiry(3, url(volume_, 1)).exit_status, 0) << "an initiator without an export";
  EXPECT_NE(inquiry(1, "iscsi://127.0.0.1:" + port() + "/" + iqn(volume_) + "/1").exit_status, 0) << "no CHAP";
}

// libiscsi's own tests send the commands that an honest initiator would not: the target itself has to refuse them.
TEST_P(Export, RefusesWritesOfAReadOnlyHostAtTheTargetUntilItIsWidened) {
  if (on_tgt()) return;  // it has one mode for all
  ASSERT_EQ(grant(volume_, 1, true)->status, VBS_OK);
  EXPECT_TRUE(conforms("SCSI.ReadOnly")) << "every write must end with WRITE PROTECTED";
  EXPECT_FALSE(conforms("SCSI.Write10.Simple"));
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume_, 0, MiB), std::string(MiB, '\0'));
  ASSERT_EQ(grant(volume_, 2, false, kOtherSecret)->status, VBS_OK);
  EXPECT_FALSE(conforms("SCSI.Write10.Simple")) << "another host's export changes nothing";
  const auto widened = grant(volume_, 1, false);
  ASSERT_EQ(widened->status, VBS_OK) << widened->message;
  EXPECT_TRUE(conforms("SCSI.Write10.Simple"));
  // What was read above is in this machine's page cache, past which the target writes.
  run({"blockdev", "--flushbufs", "/dev/vg0/" + b_->objects.at(volume_).layer});
  EXPECT_NE(b_->read(VBS_KIND_VOLUME, volume_, 0, MiB), std::string(MiB, '\0'));
  ASSERT_EQ(grant(volume_, 1, true)->status, VBS_OK);
  EXPECT_FALSE(conforms("SCSI.Write10.Simple")) << "narrowed again";
}

TEST_P(Export, MayBeRepeatedAndTakenBackInAnyOrder) {
  for (int i = 0; i < 2; ++i)
    for (const int n : {1, 2}) {
      const auto made = grant(volume_, n, n == 1 || on_tgt());
      ASSERT_EQ(made->status, VBS_OK) << made->message;
    }
  ASSERT_EQ(revoke(volume_, 1)->status, VBS_OK);
  EXPECT_NE(inquiry(1, url(volume_, 1)).exit_status, 0);
  EXPECT_EQ(inquiry(2, url(volume_, 2)).exit_status, 0);
  for (int i = 0; i < 2; ++i) {
    const auto gone = revoke(volume_, 2);
    ASSERT_EQ(gone->status, VBS_OK) << gone->message;
  }
  EXPECT_TRUE(left_in_target().empty()) << left_in_target().front();
  EXPECT_EQ(b_->remove(VBS_KIND_VOLUME, volume_)->status, VBS_OK);
}

TEST_P(Export, TellsLiveSessionsAndCutsThemWhenItIsTakenBack) {
  ASSERT_EQ(grant(volume_, 1, true)->status, VBS_OK);
  EXPECT_EQ(sessions(1), VBS_NOT_FOUND);
  // A session of the kernel's initiator would come back by itself; this one holds its session until it is killed.
  FILE* holder = popen(
      ("exec timeout -s KILL 15 iscsi-perf -i " + initiator(1) + " -m 1 -r '" + url(volume_, 1) + "' >/dev/null 2>&1")
          .c_str(),
      "w");
  ASSERT_NE(holder, nullptr);
  for (int i = 0; i < 100 && sessions(1) != VBS_OK; ++i) usleep(100'000);
  EXPECT_EQ(sessions(1), VBS_OK);
  const auto gone = revoke(volume_, 1);
  EXPECT_EQ(gone->status, VBS_OK) << gone->message;
  EXPECT_EQ(sessions(1), VBS_NOT_FOUND);
  pclose(holder);
  EXPECT_TRUE(left_in_target().empty());
}

TEST_P(Export, OfAVolumeThatIsExportedIsNotRemoved) {
  ASSERT_EQ(grant(volume_, 1, true)->status, VBS_OK);
  const auto refs = b_->refs(volume_), layer = b_->objects.at(volume_).layer;
  const auto refused = b_->remove_raw(VBS_KIND_VOLUME, volume_, refs, {layer});
  EXPECT_EQ(refused->status, VBS_BUSY) << refused->message;
  ASSERT_EQ(revoke(volume_, 1)->status, VBS_OK);
  EXPECT_EQ(b_->remove(VBS_KIND_VOLUME, volume_)->status, VBS_OK);
}

TEST_P(Export, ShowsTheNewSizeAfterAnExtendInUse) {
  ASSERT_EQ(grant(volume_, 1, false)->status, VBS_OK);
  const auto grown = b_->extend(volume_, 16 * MiB, true);
  if (!by_reflink() || on_tgt()) {
    EXPECT_EQ(grown->status, VBS_CONFLICT) << "thick volumes are wiped first, and tgt does not notice";
    return;
  }
  ASSERT_EQ(grown->status, VBS_OK) << grown->message;
  const auto size = run({"timeout", "20", "iscsi-readcapacity16", "-i", initiator(1), url(volume_, 1)});
  EXPECT_NE(size.out.find("Total size:16777216"), std::string::npos) << size.out << size.err;
}

TEST_P(Export, ByTgtHasOneModeForAllHosts) {
  if (!on_tgt()) return;
  ASSERT_EQ(grant(volume_, 1, true)->status, VBS_OK);
  EXPECT_FALSE(conforms("SCSI.Write10.Simple"));
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume_, 0, MiB), std::string(MiB, '\0'));
  const auto other = grant(volume_, 2, false, kOtherSecret);
  EXPECT_EQ(other->status, VBS_CONFLICT);
  EXPECT_NE(other->message.find(initiator(1)), std::string::npos) << other->message;
  ASSERT_EQ(grant(volume_, 1, false)->status, VBS_OK) << "the only one may be widened";
  EXPECT_TRUE(conforms("SCSI.Write10.Simple"));
}

// What a reboot leaves: volumes without a device, and a target that knows nothing.
TEST_P(Export, AfterARebootIsMadeAgainWithTheSameSecret) {
  b_->write(volume_, 'x', 0, MiB);
  ASSERT_EQ(grant(volume_, 1, false)->status, VBS_OK);
  ASSERT_EQ(revoke(volume_, 1)->status, VBS_OK);
  ASSERT_EQ(run({"vgchange", "-q", "-an", "vg0"}).exit_status, 0);
  ASSERT_EQ(b_->open().status, VBS_OK);
  const auto made = grant(volume_, 1, false);
  ASSERT_EQ(made->status, VBS_OK) << made->message;
  EXPECT_EQ(inquiry(1, url(volume_, 1)).exit_status, 0);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume_, 0, MiB), std::string(MiB, 'x'));
}

TEST_P(Export, RefusesWhatIsNoInitiatorNameAndHostsWithoutOne) {
  vbs_export_args a{};
  a.size = sizeof a;
  const auto id = export_id(1), refs = b_->refs(volume_);
  a.export_id = plugin::str(id);
  a.volume_id = plugin::str(volume_);
  a.volume_refs = plugin::str(refs);
  a.secret = plugin::str(kSecret);
  for (const std::string name : {"", "host", "iqn.2026-01.org.example/../../x", "iqn.2026-01.Org.example", "iqn.a b"}) {
    a.initiator = plugin::str(name);
    FakeCall c;
    EXPECT_EQ(b_->table().export_object(b_->instance(), c.raw(), &a), VBS_INVALID) << name;
    EXPECT_NE(c.message.find("initiator"), std::string::npos) << c.message;
  }
  EXPECT_TRUE(left_in_target().empty());
}

}  // namespace
}  // namespace vbs::test
