#include "core/http/router.hpp"

#include <gtest/gtest.h>

#include "core/http/target.hpp"

namespace vbs::http {
namespace {
class RouterTest : public ::testing::Test {
 protected:
  void add(const std::string& method, const std::string& pattern) {
    router_.add(method, pattern, [this, pattern](const Request&, Reply) { called_ = pattern; });
  }
  std::string find(const std::string& method, const std::string& path) {
    match_ = router_.find(method, split_path(path));
    called_.clear();
    if (match_.handler) (*match_.handler)(Request{}, Reply{});
    return called_;
  }
  Router router_;
  Router::Match match_;
  std::string called_;
};

TEST_F(RouterTest, LiteralWinsOverParameterWithAWayBack) {
  add("GET", "/v1/volumes/{id}");
  add("GET", "/v1/volumes/detail");
  add("GET", "/v1/{kind}/detail/more");
  EXPECT_EQ(find("GET", "/v1/volumes/detail"), "/v1/volumes/detail");
  EXPECT_EQ(find("GET", "/v1/volumes/abc"), "/v1/volumes/{id}");
  EXPECT_EQ(match_.params.at("id"), "abc");
  EXPECT_EQ(find("GET", "/v1/volumes/detail/more"), "/v1/{kind}/detail/more");
  EXPECT_EQ(match_.params.at("kind"), "volumes");
}

TEST_F(RouterTest, TrailingSlashAndEmptySegmentsAreNotTheSamePath) {
  add("GET", "/v3");
  add("GET", "/items/{id}");
  EXPECT_EQ(find("GET", "/v3/"), "");
  EXPECT_EQ(find("GET", "/items/"), "");
  add("GET", "/v3/");
  EXPECT_EQ(find("GET", "/v3/"), "/v3/");
}

TEST_F(RouterTest, ParameterNamesBelongToTheRoute) {
  add("GET", "/a/{first}");
  add("DELETE", "/a/{second}");
  find("DELETE", "/a/x");
  EXPECT_EQ(match_.params, (std::map<std::string, std::string>{{"second", "x"}}));
}

TEST_F(RouterTest, KnownPathSaysWhichMethodsItHas) {
  add("GET", "/a");
  add("POST", "/a");
  EXPECT_EQ(find("PUT", "/a"), "");
  EXPECT_EQ(match_.allow, "GET, HEAD, POST");
  EXPECT_EQ(find("HEAD", "/a"), "/a");
  find("GET", "/b");
  EXPECT_EQ(match_.allow, "");
}

TEST_F(RouterTest, BadOrTakenPatternsAreRefused) {
  add("GET", "/a/{id}");
  for (const auto* pattern : {"/a/{other}", "a", "", "/a/{}", "/a/{id", "/{x}/{x}", "/a/../b"})
    EXPECT_THROW(add("GET", pattern), Error) << pattern;
  EXPECT_THROW(add("TRACE", "/t"), Error);
  EXPECT_THROW(add("bad method", "/t"), Error);
  EXPECT_THROW(router_.add("GET", "/t", nullptr), Error);
}
}  // namespace
}  // namespace vbs::http
