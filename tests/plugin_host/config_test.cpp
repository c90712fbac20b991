// Checking a configuration against the manifest's schema.
#include <gmock/gmock.h>

#include "core/base/error.hpp"
#include "core/plugin_host/config_schema.hpp"

namespace vbs {
namespace {
using testing::HasSubstr;

Manifest schema() {
  Manifest m;
  m.name = "p";
  m.config["root"] = {ConfigType::path, {}, {}, {}, {}, "", "", false, true};
  m.config["count"] = {ConfigType::integer, "4", -1, 100, {}, "", "", false, false};
  m.config["ratio"] = {ConfigType::number, {}, 0, 2, {}, "", "", false, false};
  m.config["thin"] = {ConfigType::boolean, "true", {}, {}, {}, "", "", false, false};
  m.config["format"] = {ConfigType::enumeration, "\"raw\"", {}, {}, {"raw", "qcow2"}, "", "", false, false};
  m.config["stripe"] = {ConfigType::bytes, {}, 65536, {}, {}, "bytes", "", false, false};
  m.config["password"] = {ConfigType::string, {}, {}, {}, {}, "", "", true, false};
  return m;
}

std::string field_of_error(const std::string& config, const std::string& part) {
  try {
    check_config(schema(), config);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
    EXPECT_THAT(e.what(), HasSubstr(part));
    return e.field();
  }
  return "(no error)";
}

TEST(Config, gets_defaults_filled_in) {
  EXPECT_EQ(check_config(schema(), R"({"root": "/srv"})").json,
            R"({"count":4,"format":"raw","root":"/srv","thin":true})");
}

TEST(Config, keeps_secrets_out_of_the_text) {
  const auto c = check_config(schema(), R"({"root": "/srv", "password": "hunter22"})");
  EXPECT_EQ(c.json.find("hunter22"), std::string::npos);
  EXPECT_EQ(c.secrets.at("password"), "hunter22");
}

TEST(Config, takes_sizes_with_units) {
  EXPECT_THAT(check_config(schema(), R"({"root": "/srv", "stripe": "1.5MiB"})").json, HasSubstr("\"stripe\":1572864"));
  EXPECT_THAT(check_config(schema(), R"({"root": "/srv", "stripe": 65536})").json, HasSubstr("\"stripe\":65536"));
  EXPECT_EQ(parse_bytes("2 TiB"), 2ull << 40);
  for (const char* bad : {"", "x", "-1", "1e3", "1 MB", "1MiBx", "99999999999PiB", "nan", "inf"})
    EXPECT_THROW(parse_bytes(bad), Error) << bad;
}

TEST(Config, names_the_key_that_is_wrong) {
  EXPECT_EQ(field_of_error(R"({"root": "/srv", "rot": 1})", "is not an option of plugin 'p'; it has: count, format,"),
            "rot");
  EXPECT_EQ(field_of_error("{}", "'root' is missing"), "root");
  EXPECT_EQ(field_of_error(R"({"root": "srv"})", "an absolute path is needed"), "root");
  EXPECT_EQ(field_of_error(R"({"root": "/srv/../etc"})", "'..' is not allowed"), "root");
  EXPECT_EQ(field_of_error(R"({"root": 1})", "must be a string"), "root");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "count": 101})", "is 101; the limit is 100"), "count");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "count": -2})", "is -2; the least is -1"), "count");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "count": 1.5})", "must be a whole number"), "count");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "ratio": 3})", "the limit is 2"), "ratio");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "thin": "yes"})", "must be true or false"), "thin");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "format": "vmdk"})", "must be one of: raw, qcow2"), "format");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "stripe": "4KiB"})", "the least is 65536 bytes"), "stripe");
  EXPECT_EQ(field_of_error(R"({"root": "/s", "root": "/t"})", "appears twice"), "");
  EXPECT_EQ(field_of_error("[]", "must be a JSON object"), "");
}
}  // namespace
}  // namespace vbs
