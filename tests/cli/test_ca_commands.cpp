#include "core/identity/certificate_info.hpp"
#include "core/identity/pem_file.hpp"
#include "tests/cli/fake_service.hpp"
#include "tests/cli/temporary_directory.hpp"

namespace vbs::cli {
namespace {
using namespace vbs::test;
namespace fs = std::filesystem;

struct CaCommands : CommandTest {
  TemporaryDirectory directory;
  std::string at(const std::string& name) const { return (directory / name).string(); }
  void SetUp() override { ASSERT_EQ(vbs({"ca", "init", "--dir", at("ca"), "--name", "Site CA"}), 0) << err; }
};

TEST_F(CaCommands, ARequestSignedIntoItsDirectoryMakesAWholeProfile) {
  ASSERT_EQ(vbs({"ca", "request", "--subject", "CN=alice,O=VBS", "--out", at("vbs")}), 0) << err;
  EXPECT_EQ(fs::status(directory / "vbs").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(at("vbs/key.pem")).permissions(), fs::perms(0600));
  ASSERT_EQ(
      vbs({"ca", "sign", "--dir", at("ca"), "--kind", "user", "--csr", at("vbs/request.pem"), "--out", at("vbs/")}), 0)
      << err;
  EXPECT_EQ(describe_certificate(read_small_file(at("vbs/cert.pem"))).subject, "CN=alice,O=VBS");
  EXPECT_EQ(read_small_file(at("vbs/ca.pem")), read_small_file(at("ca/ca.pem")));
}

TEST_F(CaCommands, APrefixGivesThreeFilesAndShowReadsThem) {
  ASSERT_EQ(vbs({"ca", "sign", "--dir", at("ca"), "--kind", "server", "--subject", "CN=vbsd", "--name", "localhost",
                 "--name", "vbsd.example", "--ip", "127.0.0.1", "--out", at("vbsd"), "--days", "30"}),
            0)
      << err;
  EXPECT_TRUE(fs::exists(at("vbsd-cert.pem")) && fs::exists(at("vbsd-key.pem")) && fs::exists(at("vbsd-ca.pem")));
  ASSERT_EQ(vbs({"ca", "show", at("vbsd-cert.pem")}), 0) << err;
  EXPECT_TRUE(out_has("server localhost")) << out;
  EXPECT_TRUE(out_has("DNS:localhost, DNS:vbsd.example, IP:127.0.0.1")) << out;
}

TEST_F(CaCommands, NothingIsOverwrittenWithoutForce) {
  EXPECT_EQ(vbs({"ca", "init", "--dir", at("ca")}), 6);
  ASSERT_EQ(vbs({"ca", "request", "--subject", "CN=a", "--out", at("r")}), 0);
  const auto key = read_small_file(at("r/key.pem"));
  EXPECT_EQ(vbs({"ca", "request", "--subject", "CN=a", "--out", at("r")}), 6);
  EXPECT_EQ(read_small_file(at("r/key.pem")), key);
  EXPECT_EQ(vbs({"ca", "request", "--subject", "CN=a", "--out", at("r"), "--force"}), 0);
  EXPECT_NE(read_small_file(at("r/key.pem")), key);
}

TEST_F(CaCommands, ARefusedOrderLeavesNoFileBehind) {
  EXPECT_EQ(vbs({"ca", "sign", "--dir", at("ca"), "--kind", "server", "--subject", "CN=vbsd", "--out", at("x")}), 2);
  EXPECT_EQ(vbs({"ca", "sign", "--dir", at("ca"), "--kind", "user", "--out", at("x")}), 2);
  EXPECT_EQ(vbs({"ca", "sign", "--dir", at("ca"), "--kind", "admin", "--subject", "CN=a", "--out", at("x")}), 2);
  EXPECT_EQ(vbs({"ca", "sign", "--dir", at("none"), "--kind", "user", "--subject", "CN=a", "--out", at("x")}), 5);
  EXPECT_FALSE(fs::exists(at("x-key.pem")));
  EXPECT_FALSE(fs::exists(at("x-cert.pem")));
}
}  // namespace
}  // namespace vbs::cli
