// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <rapidjson/document.h>

#include <charconv>
#include <functional>

namespace vbs::lvm {
namespace {
using rapidjson::Value;

std::string_view text(const Value& row, const char* key) {
  const auto it = row.FindMember(key);
  if (it == row.MemberEnd() || !it->value.IsString()) return {};
  return {it->value.GetString(), it->value.GetStringLength()};
}

uint64_t number(const Value& row, const char* key) {
  const auto s = text(row, key);
  uint64_t n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

double percent(const Value& row, const char* key) {
  const auto s = text(row, key);
  double n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

std::vector<std::string> list(std::string_view s) {
  std::vector<std::string> out;
  while (!s.empty()) {
    const auto comma = s.find(',');
    out.emplace_back(s.substr(0, comma));
    s.remove_prefix(comma == std::string_view::npos ? s.size() : comma + 1);
  }
  return out;
}

GroupRow group_row(const Value& row) {
  return {list(text(row, "vg_tags")), number(row, "vg_free"), number(row, "vg_size"), number(row, "vg_extent_size")};
}

LvRow lv_row(const Value& row) {
  LvRow lv;
  lv.group = group_row(row);
  lv.name = text(row, "lv_name");
  lv.segment_type = text(row, "segtype");
  lv.pool = text(row, "pool_lv");
  lv.tags = list(text(row, "lv_tags"));
  lv.size_bytes = number(row, "lv_size");
  lv.active = text(row, "lv_active") == "active";
  lv.open = text(row, "lv_device_open") == "open";
  lv.data_percent = percent(row, "data_percent");
  lv.metadata_percent = percent(row, "metadata_percent");
  lv.zeroes = text(row, "zero") == "zero";
  return lv;
}

template <class Row>
std::optional<std::vector<Row>> parse(std::string_view json, const char* what, Row (*read)(const Value&)) {
  rapidjson::Document d;
  d.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  if (d.HasParseError() || !d.IsObject()) return std::nullopt;
  const auto report = d.FindMember("report");
  if (report == d.MemberEnd() || !report->value.IsArray()) return std::nullopt;
  std::vector<Row> out;
  for (const auto& part : report->value.GetArray()) {
    if (!part.IsObject()) return std::nullopt;
    const auto rows = part.FindMember(what);
    if (rows == part.MemberEnd() || !rows->value.IsArray()) return std::nullopt;
    for (const auto& row : rows->value.GetArray()) {
      if (!row.IsObject()) return std::nullopt;
      out.push_back(read(row));
    }
  }
  return out;
}
}  // namespace

std::optional<std::vector<LvRow>> parse_lvs(std::string_view json) { return parse<LvRow>(json, "lv", lv_row); }
std::optional<std::vector<GroupRow>> parse_vgs(std::string_view json) { return parse<GroupRow>(json, "vg", group_row); }

}  // namespace vbs::lvm
