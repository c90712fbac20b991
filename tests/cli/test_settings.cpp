#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/settings.hpp"
#include "tests/cli/temporary_directory.hpp"

namespace vbs::cli {
namespace {

struct SettingsTest : testing::Test {
  SettingsTest() { std::filesystem::create_directories(directory.path() / ".config" / "vbs"); }
  test::TemporaryDirectory directory;
  std::map<std::string, std::string> variables{{"HOME", directory.path().string()}};

  std::filesystem::path config() const { return directory.path() / ".config" / "vbs" / "config.yaml"; }
  void write(const std::string& text) { std::ofstream(config()) << text; }
  Settings load(const ConnectionFlags& flags = {}) {
    return load_settings(flags, [this](const char* name) -> std::optional<std::string> {
      const auto it = variables.find(name);
      return it == variables.end() ? std::nullopt : std::optional(it->second);
    });
  }
  std::string refusal(const ConnectionFlags& flags = {}) {
    try {
      load(flags);
    } catch (const Failure& f) {
      EXPECT_EQ(f.exit, Exit::usage);
      return f.what();
    }
    return "not refused";
  }
};

TEST_F(SettingsTest, DefaultsAreLocalhostAndTheFilesInTheHomeDirectory) {
  const auto s = load();
  EXPECT_EQ(s.url.value, "https://localhost:8443");
  EXPECT_EQ(s.cert.value, (directory.path() / ".config" / "vbs" / "cert.pem").string());
  EXPECT_EQ(s.key.origin, "the default");
}

TEST_F(SettingsTest, AFlagBeatsTheEnvironmentWhichBeatsTheFileWhichBeatsTheDefault) {
  write("profile: alice\nprofiles:\n  alice: {url: 'https://file:1', cert: file.pem, key: /abs/key.pem}\n");
  EXPECT_EQ(load().url.value, "https://file:1");
  EXPECT_EQ(load().cert.value, (config().parent_path() / "file.pem").string());
  EXPECT_EQ(load().key.value, "/abs/key.pem");
  EXPECT_EQ(load().ca.origin, "the default");
  variables["VBS_URL"] = "https://environment:1";
  EXPECT_EQ(load().url.value, "https://environment:1");
  EXPECT_EQ(load().url.origin, "VBS_URL");
  EXPECT_EQ(load({.url = "https://flag:1"}).url.value, "https://flag:1");
}

TEST_F(SettingsTest, AProfileIsNamedByFlagThenEnvironmentThenTheFile) {
  write("profile: a\nprofiles:\n  a: {url: 'https://a'}\n  b: {url: 'https://b'}\n  c: {cert: ~/c.pem}\n");
  EXPECT_EQ(load().url.value, "https://a");
  variables["VBS_PROFILE"] = "b";
  EXPECT_EQ(load().url.value, "https://b");
  EXPECT_EQ(load({.profile = "c"}).cert.value, (directory / "c.pem").string());
}

TEST_F(SettingsTest, AnotherFileMayBeNamedAndMustExist) {
  std::ofstream(directory / "other.yaml") << "profile: x\nprofiles: {x: {url: 'https://x'}}\n";
  variables["VBS_CONFIG"] = (directory / "other.yaml").string();
  EXPECT_EQ(load().url.value, "https://x");
  variables["VBS_CONFIG"] = (directory / "absent.yaml").string();
  EXPECT_NE(refusal().find("absent.yaml"), std::string::npos);
}

TEST_F(SettingsTest, ABrokenFileIsRefusedWithTheFieldAndTheFile) {
  write("profiles: {a: {urll: x}}\nprofile: a\n");
  EXPECT_NE(refusal().find("unknown field 'urll'"), std::string::npos);
  write("profil: a\n");
  EXPECT_NE(refusal().find("unknown field 'profil'"), std::string::npos);
  write("profile: [\n");
  EXPECT_NE(refusal().find("config.yaml"), std::string::npos);
  write("- a\n");
  EXPECT_NE(refusal().find("must have the fields"), std::string::npos);
  write("profiles: {a: {url: [1, 2]}}\nprofile: a\n");
  EXPECT_NE(refusal().find("not acceptable YAML"), std::string::npos);
  write("profile: b\nprofiles: {a: {url: x}}\n");
  EXPECT_NE(refusal().find("no profile 'b'"), std::string::npos);
}

TEST_F(SettingsTest, AProfileThatWasAskedForIsNeverSilentlyMissing) {
  EXPECT_NE(refusal({.profile = "bob"}).find("profile 'bob'"), std::string::npos);
}

TEST_F(SettingsTest, AMissingCertificateIsSaidWithItsFileItsOriginAndTheVariable) {
  variables["VBS_CERT"] = "/no/cert.pem";
  std::ofstream(directory.path() / ".config" / "vbs" / "ca.pem") << "x";
  auto s = load();
  try {
    check_files(s, true);
    FAIL();
  } catch (const Failure& f) {
    EXPECT_EQ(f.exit, Exit::unreachable);
    EXPECT_NE(std::string(f.what()).find("/no/cert.pem (No such file or directory, from VBS_CERT)"), std::string::npos)
        << f.what();
    EXPECT_NE(f.hint.find("VBS_CERT"), std::string::npos) << f.hint;
  }
}

TEST_F(SettingsTest, HealthGoesWithoutACertificateOfOnesOwn) {
  std::ofstream(directory.path() / ".config" / "vbs" / "ca.pem") << "x";
  auto s = load();
  check_files(s, false);
  EXPECT_EQ(s.cert.value, "");
  EXPECT_EQ(s.key.value, "");
  EXPECT_NE(s.ca.value, "");
}
}  // namespace
}  // namespace vbs::cli
