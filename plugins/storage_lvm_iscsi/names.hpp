// SPDX-License-Identifier: MIT
//
// Names of logical volumes. Each carries the attempt (epoch) that made it, so two attempts never meet in one volume.
//
//   vbs.OWNER.EPOCH        data of a volume or snapshot
//   vbs.OWNER.BY.EPOCH     what volume OWNER goes over to by revert BY
//
// OWNER and BY are UUIDs in lower case. Whatever does not read so exactly is not ours and is never touched; nor is what
// reads so and lacks our tags (tags.hpp).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vbs::lvm {

constexpr std::string_view kNamePrefix = "vbs.";

// A device-mapper name has 127 bytes (DM_NAME_LEN less the NUL): GROUP-NAME with every '-' doubled. The longest of our
// names takes 4 + 40 + 1 + 40 + 1 + 20 of them.
constexpr size_t kMaxGroupName = 20;  // '-' counts twice

struct LvName {
  std::string owner;
  std::string by;  // of a revert; else empty
  uint64_t epoch = 0;
  std::string text() const;
};

std::optional<LvName> parse_name(std::string_view text);
bool is_uuid(std::string_view text);

// A volume group as lvm(8) allows it, in the length that our names leave.
bool is_group_name(std::string_view text);

// The CHAP user of an export. Not its id alone: a value that begins with "0b" or "0x", as one id in 256 does, is a
// number to iSCSI's text parameters (RFC 7143, 6.1), and LIO then knows no such user.
std::string chap_user(const std::string& export_id);

}  // namespace vbs::lvm
