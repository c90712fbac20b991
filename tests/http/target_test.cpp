#include "core/http/target.hpp"

#include <gtest/gtest.h>

namespace vbs::http {
namespace {
using Segments = std::vector<std::string>;

TEST(Target, PathIsSplitBeforeItIsDecoded) {
  EXPECT_EQ(split_path("/v1/a%2Fb/c"), (Segments{"v1", "a/b", "c"}));
  EXPECT_EQ(split_path("/"), (Segments{""}));
  EXPECT_EQ(split_path("/a/"), (Segments{"a", ""}));
  EXPECT_EQ(split_path("/a+b%20c"), (Segments{"a+b c"}));
  EXPECT_EQ(split_path("/%C3%BC"), (Segments{"\u00fc"}));
}

TEST(Target, WhatCannotBeDecodedIsRefusedNotGuessed) {
  for (const auto* path : {"/%", "/%4", "/%4x", "/%zz", "/%00", "/%0a", "/%7f", "/%ff", "/%c3", "/%c0%af", "/%ed%a0%80",
                           "/a/..", "/%2e%2E/x", "/.", "x", ""})
    EXPECT_THROW(split_path(path), Error) << path;
}

TEST(Target, QueryKeepsOrderAndDuplicates) {
  EXPECT_EQ(split_query("a=1&b=x+y%26&a=2&flag&=v&&c=d=e"),
            (Fields{{"a", "1"}, {"b", "x y&"}, {"a", "2"}, {"flag", ""}, {"", "v"}, {"c", "d=e"}}));
  EXPECT_TRUE(split_query("").empty());
  EXPECT_THROW(split_query("a=%"), Error);
}

TEST(Target, OneQueryValueIsWantedOnce) {
  Request request;
  request.query = split_query("limit=5&name=a&name=b");
  EXPECT_EQ(request.query_value("limit"), "5");
  EXPECT_EQ(request.query_value("marker"), std::nullopt);
  EXPECT_THROW(request.query_value("name"), Error);
}

TEST(Message, HeaderNamesAreCaseInsensitive) {
  Request request;
  request.headers = {{"X-Auth-Token", "t"}};
  EXPECT_EQ(request.header("x-auth-token"), "t");
  EXPECT_EQ(request.header("x-auth"), std::nullopt);
}

TEST(Message, ErrorBodyCarriesCodeFieldAndRequestId) {
  const auto response = error_response(Error(Code::invalid, "size \"x\" is no number", "size"), "req-1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"error":{"code":"invalid","message":"size \"x\" is no number","field":"size","request_id":"req-1"}})");
  EXPECT_EQ(find_field(error_response(Error(Code::busy, "later"), "r").headers, "retry-after"), "1");
}
}  // namespace
}  // namespace vbs::http
