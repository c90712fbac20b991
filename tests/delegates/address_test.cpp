#include "core/delegates/address.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"

namespace vbs {
namespace {
TEST(DelegateAddress, is_a_host_and_port_or_a_socket) {
  EXPECT_EQ(parse_delegate_address("stor1.example.org:7443").target, "dns:///stor1.example.org:7443");
  EXPECT_EQ(parse_delegate_address("[fd00::1]:7443").target, "dns:///[fd00::1]:7443");
  EXPECT_EQ(parse_delegate_address("unix:/run/vbs/d.sock").path, "/run/vbs/d.sock");
}

TEST(DelegateAddress, that_is_neither_is_refused_with_the_way_to_write_it) {
  for (const auto* text : {"", "stor1", ":7443", "stor1:", "stor1:70000", "stor1:x", "fd00::1:7443", "a b:1", "a,b:1",
                           "unix:", "unix:relative", "http://stor1:80"}) {
    try {
      parse_delegate_address(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::invalid) << text;
    }
  }
}

TEST(DelegateAddress, of_a_socket_has_the_length_that_the_kernel_takes) {
  EXPECT_NO_THROW(parse_delegate_address("unix:/" + std::string(106, 'x')));
  EXPECT_THROW(parse_delegate_address("unix:/" + std::string(107, 'x')), Error);
}
}  // namespace
}  // namespace vbs
