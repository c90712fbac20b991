// What vbsd.yaml and vbs-delegate.yaml say of delegates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/delegates/server/config.hpp"
#include "core/service/config.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

class DelegateConfigFile : public testing::Test {
 protected:
  Config service(const std::string& delegates, const std::string& of_backend) {
    std::ofstream(path_) << "data_dir: /d\nlisten: {certificate: c, key: k, client_ca: a}\ndelegates: " << delegates
                         << "\nbackends:\n  - {name: b, plugin: p" << of_backend << "}\n";
    return load_config(path_);
  }
  AgentConfig agent(const std::string& text) {
    std::ofstream(path_) << text;
    return load_agent_config(path_);
  }
  TemporaryDirectory dir_;
  const std::string path_ = dir_ / "file.yaml";
};

TEST_F(DelegateConfigFile, gives_a_back_end_one_delegate_or_several) {
  const std::string two = "[{name: x, address: \"h:1\"}, {name: y, address: \"unix:/s\"}]";
  EXPECT_THAT(service(two, ", delegate: y").backends[0].delegates, ElementsAre("y"));
  EXPECT_THAT(service(two, ", delegate: [y, x]").backends[0].delegates, ElementsAre("y", "x"));
  EXPECT_TRUE(service(two, "").backends[0].delegates.empty());
}

TEST_F(DelegateConfigFile, shows_the_service_s_own_certificate_to_delegates_unless_told_otherwise) {
  const auto tls = service("[]", "").delegate_tls;
  EXPECT_EQ(tls.certificate + tls.key + tls.ca, "cka");
}

TEST_F(DelegateConfigFile, refuses_a_delegate_that_is_not_listed_and_an_address_that_is_none) {
  EXPECT_THAT(error_of([&] { service("[]", ", delegate: z"); }).what(),
              HasSubstr("back-end 'b' names the delegate 'z', which is not under 'delegates'"));
  EXPECT_THAT(error_of([&] { service("[{name: x, address: nowhere}]", ""); }).what(), HasSubstr("write HOST:PORT"));
}

TEST_F(DelegateConfigFile, of_a_delegate_wants_certificates_for_tcp_and_none_for_a_socket) {
  const auto c = agent("{name: n, listen: \"unix:/s\", state_directory: /d, serves: {backends: [b]}}");
  EXPECT_THAT(c.backends, ElementsAre("b"));
  EXPECT_THAT(
      error_of([&] { agent("{name: n, listen: \"0.0.0.0:1\", state_directory: /d, serves: {backends: [b]}}"); }).what(),
      HasSubstr("certificate"));
}

TEST_F(DelegateConfigFile, of_a_delegate_that_could_run_nothing_is_refused) {
  EXPECT_THAT(error_of([&] { agent("{name: n, listen: \"unix:/s\", state_directory: /d}"); }).what(),
              HasSubstr("nothing could be run here"));
}
}  // namespace
}  // namespace vbs::test
