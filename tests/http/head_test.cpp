#include "core/http/head.hpp"

#include <gtest/gtest.h>

namespace vbs::http {
namespace {
void check_lines(const std::string& lines) { check_head("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n"); }
int refused(const std::string& head) {
  try {
    check_head(head);
  } catch (const Refusal& r) {
    return r.status;
  }
  return 0;
}

TEST(Head, EndsAtItsEmptyLineAlsoWhenItArrivesInPieces) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\nbody";
  EXPECT_EQ(head_length(bytes, 0), bytes.size() - 4);
  for (size_t cut = 0; cut < bytes.size() - 4; ++cut) {
    EXPECT_EQ(head_length(bytes.substr(0, cut), 0), std::nullopt) << cut;
    EXPECT_EQ(head_length(bytes, cut), bytes.size() - 4) << cut;
  }
}

TEST(Head, LineFeedWithoutCarriageReturnIsRefusedAtOnce) {
  EXPECT_THROW(head_length("GET / HTTP/1.1\n", 0), Refusal);
  EXPECT_THROW(head_length("\n", 0), Refusal);
  EXPECT_THROW(head_length("GET / HTTP/1.1\r\nHost: h\n\r\n", 0), Refusal);
}

TEST(Head, OrdinaryRequestsPass) {
  EXPECT_NO_THROW(check_lines(""));
  EXPECT_NO_THROW(check_lines("Content-Length: 12\r\nX-A:\tb \r\nEmpty:\r\n"));
  EXPECT_NO_THROW(check_lines("Transfer-Encoding: Chunked\r\n"));
  EXPECT_NO_THROW(check_head("GET / HTTP/1.0\r\n\r\n"));
}

TEST(Head, AmbiguousFramingIsRefused) {
  for (const auto* lines : {"Content-Length: 1\r\nContent-Length: 1\r\n",
                            "Content-Length: 1, 1\r\n",
                            "Content-Length: +1\r\n",
                            "Content-Length: 0x1\r\n",
                            "Content-Length: -1\r\n",
                            "Content-Length:\r\n",
                            "Content-Length: 1 2\r\n",
                            "Content-Length: 9999999999999999999\r\n",
                            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: gzip, chunked\r\n",
                            "Transfer-Encoding: identity\r\n",
                            "Transfer-Encoding: xchunked\r\n",
                            "Transfer-Encoding: \vchunked\r\n",
                            "Transfer-Encoding : chunked\r\n",
                            "Host: other\r\n",
                            " folded\r\n",
                            "X: a\r\n b\r\n",
                            "X: a\rb\r\n",
                            "no colon\r\n",
                            ": no name\r\n",
                            "X: \x01\r\n"})
    EXPECT_THROW(check_lines(lines), Refusal) << lines;
  EXPECT_EQ(refused(std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a") + '\0' + "b\r\n\r\n"), 400);
}

TEST(Head, HostIsNeededOnceInHttp11) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(Head, BadRequestLinesAreRefused) {
  for (const auto* line : {"GET /", "GET", "", "GET  HTTP/1.1", "G(T / HTTP/1.1", "GET /a b HTTP/1.1",
                           "GET /\x80 HTTP/1.1", "GET / HTTPS/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 "})
    EXPECT_EQ(refused(std::string(line) + "\r\nHost: h\r\n\r\n"), 400) << line;
  EXPECT_EQ(refused("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(refused("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 505);
}
}  // namespace
}  // namespace vbs::http
