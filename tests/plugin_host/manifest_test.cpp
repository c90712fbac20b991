// The manifest format: what is read, and the one line that each mistake gets.
#include "core/plugin_host/manifest.hpp"

#include <gmock/gmock.h>

#include "core/base/error.hpp"
#include "tests/plugin_host/plugin_dir.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;

class ManifestFile : public testing::Test {
 protected:
  Manifest load(const std::string& text) {
    write_file(dir_ / "p.vbs-plugin.yaml", text);
    return load_manifest(dir_ / "p.vbs-plugin.yaml");
  }
  std::string error(const std::string& text) {
    try {
      load(text);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  std::string error_after_head(const std::string& text) { return error(kHead + text); }
  const std::string kHead = "name: p\nversion: 0.1.0\nkinds: [storage]\nabi: {storage: [0, 2]}\n";
  TempDir dir_;
};

TEST_F(ManifestFile, gives_all_that_it_says) {
  const auto m = load(kHead + R"(description: volumes on a file system
needs: [libvirt-event-loop]
config:
  root: {type: path, required: true, description: where}
  format: {type: enum, values: [raw, qcow2], default: raw}
  stripe: {type: bytes, default: 1MiB, min: 65536}
  password: {type: string, secret: true}
commands:
  clone:
    argv: [cp, --reflink=always, --, "{from}", "{to}"]
    params: [from, {name: to, dash: true}]
    timeout_s: 30
    ok_exit: [0, 2]
    package: coreutils
)");
  EXPECT_EQ(m.name, "p");
  EXPECT_EQ(m.version, "0.1.0");
  EXPECT_TRUE(m.has_kind("storage"));
  EXPECT_EQ(m.abi.at("storage"), std::pair(0u, 2u));
  EXPECT_TRUE(m.config.at("root").required);
  EXPECT_EQ(m.config.at("format").default_json, "\"raw\"");
  EXPECT_EQ(m.config.at("stripe").default_json, "1048576");
  EXPECT_TRUE(m.config.at("password").secret);
  const auto& clone = m.commands.at("clone");
  EXPECT_EQ(clone.timeout, std::chrono::seconds(30));
  EXPECT_EQ(clone.ok_exit, (std::set<int>{0, 2}));
  EXPECT_TRUE(clone.param("to")->dash);
  EXPECT_EQ(clone.package, "coreutils");
}

TEST_F(ManifestFile, refuses_an_unknown_key_with_file_line_and_key) {
  EXPECT_THAT(error_after_head("licence: MIT\n"),
              HasSubstr("p.vbs-plugin.yaml:5: 'licence' is not a key of this format"));
  EXPECT_THAT(error_after_head("config:\n  root: {type: path, colour: red}\n"),
              HasSubstr(":6: 'config.root.colour' is not a key"));
}

TEST_F(ManifestFile, refuses_a_key_that_appears_twice) {
  EXPECT_THAT(error_after_head("name: q\n"), HasSubstr(":5: 'name' appears twice"));
  EXPECT_THAT(error_after_head("config:\n  a: {type: string}\n  a: {type: path}\n"),
              HasSubstr(":7: 'config.a' appears twice"));
}

TEST_F(ManifestFile, refuses_values_of_the_wrong_type) {
  EXPECT_THAT(error_after_head("description: [a]\n"), HasSubstr(":5: 'description' must be text"));
  EXPECT_THAT(error_after_head("needs: yes\n"), HasSubstr("'needs' must be a list"));
  EXPECT_THAT(error_after_head("config: [a]\n"), HasSubstr("'config' must be a mapping"));
  EXPECT_THAT(error_after_head("config: {a: {type: colour}}\n"), HasSubstr("'config.a.type' is 'colour'"));
  EXPECT_THAT(error_after_head("config: {a: {type: integer, default: x}}\n"),
              HasSubstr("'config.a.default' does not fit"));
  EXPECT_THAT(error_after_head("config: {a: {type: integer, default: 9, max: 3}}\n"),
              HasSubstr("is 9; the limit is 3"));
  EXPECT_THAT(error_after_head("config: {a: {type: enum}}\n"), HasSubstr("'config.a.values' belong to an enum"));
  EXPECT_THAT(error_after_head("config: {a: {type: string, secret: true, default: x}}\n"),
              HasSubstr("must not be given for a secret"));
  EXPECT_THAT(error_after_head("commands: {c: {argv: [a], timeout_s: soon}}\n"),
              HasSubstr("'commands.c.timeout_s' must be a whole number"));
  EXPECT_THAT(error_after_head("commands: {c: {argv: [a], ok_exit: []}}\n"),
              HasSubstr("'commands.c.ok_exit' is empty"));
}

TEST_F(ManifestFile, refuses_what_is_missing) {
  EXPECT_THAT(error("version: 1\n"), HasSubstr("'name' is missing"));
  EXPECT_THAT(error("name: p\nversion: 1\n"), HasSubstr("'kinds' is missing"));
  EXPECT_THAT(error("name: p\nversion: 1\nkinds: [storage]\n"), HasSubstr("'abi.storage' must be [LOWEST, HIGHEST]"));
  EXPECT_THAT(error("name: p\nversion: 1\nkinds: [cloud]\n"), HasSubstr("'kinds' has 'cloud'"));
  EXPECT_THAT(error(""), HasSubstr("is no plugin manifest"));
}

TEST_F(ManifestFile, refuses_a_name_that_is_not_that_of_the_file) {
  EXPECT_THAT(error("name: other\nversion: 1\nkinds: [storage]\nabi: {storage: [0, 0]}\n"),
              HasSubstr("the file must be called other.vbs-plugin.yaml"));
}

TEST_F(ManifestFile, refuses_command_parameters_that_are_unknown_or_unused) {
  EXPECT_THAT(error_after_head("commands:\n  clone:\n    argv: [cp, \"{form}\"]\n    params: [from]\n"),
              HasSubstr(":7: 'commands.clone.argv': '{form}' is not among its params"));
  EXPECT_THAT(error_after_head("commands: {c: {argv: [cp], params: [from]}}\n"),
              HasSubstr("'{from}' is missing in argv"));
  EXPECT_THAT(error_after_head("commands: {c: {argv: []}}\n"), HasSubstr("argv is empty"));
  EXPECT_THAT(error_after_head("commands: {c: {argv: [a, \"{x}\"], params: [x, x]}}\n"), HasSubstr("names 'x' twice"));
}

TEST_F(ManifestFile, survives_what_is_not_yaml) {
  for (const std::string text :
       {"\t", "[", "{a: b", "&a [*a]", "a: *nope", "\x00\x01", "--- \n--- \n", "%YAML 9\n", "? [a]\n: b\n"})
    EXPECT_NE(error(text), "") << text;
  EXPECT_NE(error(std::string(10000, '[')), "");
  EXPECT_THAT(error(std::string(300 * 1024, ' ')), HasSubstr("larger than the limit"));
}
}  // namespace
}  // namespace vbs::test
