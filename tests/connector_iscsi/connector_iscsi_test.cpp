// The kernel's initiator as a connector, with a stand-in for kernel and open-iscsi: for what goes wrong, and in what
// order. tests/nodes has the real ones.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/error.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kVolume = "1f0c8c2e-7f52-4d6f-9a57-2b2b7a4e1c11";
constexpr const char* kIqn = "iqn.2026-01.org.example:1f0c8c2e";
constexpr const char* kOther = "iqn.2026-01.org.example:other";
constexpr const char* kInitiator = "iqn.2026-01.org.example:node1";

class KernelInitiator : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "plugins");
    fs::copy_file(PLUGIN, dir_ / "plugins/connector_iscsi.so");
    fs::copy_file(fs::path(PLUGIN).replace_extension(".vbs-plugin.yaml"),
                  dir_ / "plugins/connector_iscsi.vbs-plugin.yaml");
    for (const auto* file : {"plugins/connector_iscsi.so", "plugins/connector_iscsi.vbs-plugin.yaml"})
      fs::permissions(dir_ / file, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
    put("initiatorname.iscsi", std::string("## made by a test\nInitiatorName=") + kInitiator + "\n");
    put("sys/serial", kVolume, false);
    PluginHostOptions options;
    options.directories = {dir_ / "plugins"};
    const auto script = [&](const std::string& verb, std::vector<std::string> more) {
      std::vector<std::string> argv{ISCSIADM, dir_ / "sys", verb, "{iqn}"};
      argv.insert(argv.end(), more.begin(), more.end());
      options.commands["connector_iscsi"][verb] = argv;
    };
    script("new", {"{portal}"});
    script("set", {"{portal}", "{name}", "{value}"});
    script("set_password", {"{portal}", "{password}"});
    script("login", {"{portal}"});
    for (const auto* verb : {"logout", "forget", "rescan"}) script(verb, {});
    options.connectors = {{"iscsi", "connector_iscsi",
                           R"({"links":")" + dir_ / "links" + R"(","sysfs":")" + dir_ / "sys" +
                               R"(","initiator_file":")" + dir_ / "initiatorname.iscsi" +
                               R"(","multipath_wait_s":0})"}};
    host_ = std::make_unique<PluginHost>(std::move(options));
    host_->scan();
    connectors_ = host_->connectors_at({}, "", "");
  }

  void put(const std::string& file, const std::string& text, bool line = true) {
    fs::create_directories(fs::path(dir_ / file).parent_path());
    std::ofstream(dir_ / file) << text << (line ? "\n" : "");
  }
  Connector& connector() { return *connectors_.at("iscsi"); }
  static Connection connection(const std::string& iqn = kIqn, const std::string& portals = R"("10.0.0.1:3260")") {
    Connection c{Mode::rw, "iscsi", "raw",
                 R"({"iqn":")" + iqn + R"(","portals":[)" + portals + R"(],"lun":1,"user":"vbs"})", ""};
    c.initiator = kInitiator;
    c.secret = "Sixteen16letters";
    return c;
  }
  static Call within(int seconds) {
    Call call;
    call.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    return call;
  }
  std::string refusal(Code code, const Connection& c, int seconds = 60) {
    try {
      connector().connect(within(seconds), c, kVolume);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), Not(HasSubstr("Sixteen16letters")));
      return e.what();
    }
    return "nothing was refused";
  }
  std::string link(const std::string& iqn = kIqn) const { return dir_ / "links/" + iqn + "-lun-1"; }
  std::vector<std::string> asked() const {
    std::vector<std::string> out;
    std::ifstream in(dir_ / "sys/asked");
    for (std::string verb, rest; in >> verb && std::getline(in, rest);) out.push_back(verb);
    return out;
  }
  size_t sessions() const {
    const fs::path all(dir_ / "sys/class/iscsi_session");
    return fs::exists(all) ? static_cast<size_t>(std::distance(fs::directory_iterator(all), {})) : 0;
  }

  TemporaryDirectory dir_;
  std::unique_ptr<PluginHost> host_;
  std::map<std::string, std::unique_ptr<Connector>> connectors_;
};

TEST_F(KernelInitiator, LogsInAndGivesALinkToTheDevice) {
  const auto source = connector().connect({}, connection(), kVolume);
  EXPECT_EQ(source.kind, "block");
  EXPECT_EQ(source.path, link());
  EXPECT_EQ(fs::read_symlink(link()), "/dev/sda");
  EXPECT_THAT(asked(), ElementsAre("new", "set", "set", "set", "set_password", "login"));
  EXPECT_TRUE(connector().connected({}, connection()));
}

TEST_F(KernelInitiator, LogsOutByTargetNameAndLeavesOtherSessionsAlone) {
  connector().connect({}, connection(), kVolume);
  connector().connect({}, connection(kOther), kVolume);
  connector().disconnect({}, connection());
  EXPECT_FALSE(connector().connected({}, connection()));
  EXPECT_TRUE(connector().connected({}, connection(kOther)));
  EXPECT_FALSE(fs::exists(fs::symlink_status(link())));
  EXPECT_TRUE(fs::is_symlink(link(kOther)));
  connector().disconnect({}, connection());  // again: nothing to do
}

TEST_F(KernelInitiator, LogsOutAlsoWhenTheDeviceHasVanished) {
  connector().connect({}, connection(), kVolume);
  fs::remove_all(dir_ / "sys/class/iscsi_session/session0/device");
  connector().disconnect({}, connection());
  EXPECT_EQ(sessions(), 0u);
}

TEST_F(KernelInitiator, SaysWhenASessionDoesNotGo) {
  connector().connect({}, connection(), kVolume);
  put("sys/stuck", "");
  try {
    connector().disconnect({}, connection());
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("1 sessions of iqn.2026-01.org.example:1f0c8c2e are still there after logout"));
  }
}

TEST_F(KernelInitiator, GivesNobodyADeviceThatIsAnotherVolume) {
  put("sys/serial", "99999999-7f52-4d6f-9a57-2b2b7a4e1c11", false);
  EXPECT_THAT(refusal(Code::internal, connection()),
              HasSubstr("is volume '99999999-7f52-4d6f-9a57-2b2b7a4e1c11', not " + std::string(kVolume)));
  EXPECT_FALSE(fs::exists(fs::symlink_status(link())));
}

TEST_F(KernelInitiator, SaysThatTheSecretIsWrong) {
  put("sys/wrong_secret", "");
  EXPECT_THAT(refusal(Code::internal, connection()), HasSubstr("refuses this node's login: its secret is another one"));
}

TEST_F(KernelInitiator, NeedsOnePortalThatAnswers) {
  const auto two = connection(kIqn, R"("10.0.0.1:3260","10.0.0.2:3260")");
  put("sys/down", "10.0.0.1:3260");
  EXPECT_EQ(connector().connect({}, two, kVolume).path, link());
  connector().disconnect({}, two);
  put("sys/down", "10.0.0.1:3260\n10.0.0.2:3260");
  const auto text = refusal(Code::unavailable, two);
  EXPECT_THAT(text, HasSubstr("10.0.0.1:3260: connect to 10.0.0.1:3260 failed (Connection refused)"));
  EXPECT_THAT(text, HasSubstr("10.0.0.2:3260: connect to"));
}

TEST_F(KernelInitiator, DoesNotWaitForADeviceBeyondTheDeadline) {
  put("sys/no_device", "");
  EXPECT_THAT(refusal(Code::unavailable, connection(), 2), HasSubstr("LUN 1 did not appear"));
}

TEST_F(KernelInitiator, RefusesToBeAnotherInitiatorThanTheHostIs) {
  put("initiatorname.iscsi", "InitiatorName=iqn.2026-01.org.example:else");
  EXPECT_THAT(refusal(Code::invalid, connection()), HasSubstr("'iqn.2026-01.org.example:else'"));
  EXPECT_THAT(asked(), ElementsAre());
}

TEST_F(KernelInitiator, RefusesWhatCouldBeAnOptionOrAPath) {
  for (const auto* iqn : {"--logout", "iqn/../../etc", "", "iqn x"})
    EXPECT_THAT(refusal(Code::invalid, connection(iqn)), HasSubstr("iscsi connection: iqn is")) << iqn;
  EXPECT_THAT(refusal(Code::invalid, connection(kIqn, "")), HasSubstr("portals must be 1 to 16"));
}

TEST_F(KernelInitiator, RescansUntilTheDeviceHasGrown) {
  connector().connect({}, connection(), kVolume);
  connector().rescan({}, connection(), 4096 * 512);
  EXPECT_EQ(asked().back(), "rescan");
  EXPECT_THROW(connector().rescan(within(2), connection(), 8192 * 512), Error);
}

TEST_F(KernelInitiator, FindsTheMapOverItsPaths) {
  connector().connect({}, connection(), kVolume);
  fs::create_directories(dir_ / "sys/block/sda/holders/dm-3");
  put("sys/block/dm-3/dm/uuid", "mpath-36001405");
  put("sys/block/dm-3/dm/name", "mpatha");
  const auto two = connection(kIqn, R"("10.0.0.1:3260","10.0.0.2:3260")");
  connector().connect({}, two, kVolume);
  EXPECT_EQ(fs::read_symlink(link()), "/dev/mapper/mpatha");
}
}  // namespace
}  // namespace vbs::test
