// What is refused, and that each refusal is one line that says what to do.
#include <gmock/gmock.h>
#include <unistd.h>

#include "core/base/error.hpp"
#include "core/plugin_host/elf_check.hpp"
#include "core/plugin_host/trust.hpp"
#include "tests/plugin_host/plugin_dir.hpp"

namespace vbs::test {
namespace {
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void expect_refused(const std::string& refusal, const std::string& part) {
  EXPECT_THAT(refusal, AllOf(HasSubstr(part), Not(HasSubstr("\n"))));
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

struct Fault {
  const char* plugin;
  const char* line;
};
class FaultyPlugin : public testing::TestWithParam<Fault> {};

TEST_P(FaultyPlugin, is_refused_with_one_clear_line) {
  PluginDir dir;
  dir.install(GetParam().plugin);
  expect_refused(dir.refusal(GetParam().plugin), GetParam().line);
}
TEST_P(FaultyPlugin, is_refused_with_the_same_line_by_the_probe) {
  PluginDir dir;
  dir.install(GetParam().plugin);
  expect_refused(dir.refusal(GetParam().plugin, {{}, PROBE_HELPER, {}, {}}), GetParam().line);
}
INSTANTIATE_TEST_SUITE_P(
    Entry, FaultyPlugin,
    testing::Values(Fault{"wrong_magic", "begins with 0x12345678 instead of 0x30534256"},
                    Fault{"too_new", "answered version 7 of the storage table; this VBS speaks 0 to 0"},
                    Fault{"short_descriptor", "its descriptor has 8 bytes, too few"},
                    Fault{"short_table", "too few to hold open and close"},
                    Fault{"no_open", "has no open or no close function"},
                    Fault{"entry_null", "answered no descriptor: the moon is not full"},
                    Fault{"entry_throws", "let an exception escape: thrown at the entry"},
                    Fault{"undefined_symbol", "undefined symbol: vbs_test_symbol_that_nobody_defines"},
                    Fault{"no_entry", "exports no vbs_plugin_entry"},
                    Fault{"other_name", "the library's name is 'somebody_else', its manifest says 'other_name'"},
                    Fault{"other_version", "the library's version is '2.0', its manifest says '1.0'"},
                    Fault{"no_table", "its manifest says 'storage', but the library brings no storage table"}),
    [](const auto& info) { return std::string(info.param.plugin); });

TEST(Loader, accepts_a_good_plugin_and_tells_what_it_is) {
  PluginDir dir;
  dir.install_memory();
  const auto host = dir.scan({{}, PROBE_HELPER, {}, {}});
  ASSERT_EQ(host->plugins().size(), 1u);
  const auto info = host->plugins()[0];
  EXPECT_EQ(info.refusal, "");
  EXPECT_EQ(info.version, "1.0");
  EXPECT_EQ(info.description, "a test");
  EXPECT_THAT(info.kinds, testing::ElementsAre("storage"));
}

TEST(Loader, turns_a_crash_in_the_entry_into_a_refusal) {
  PluginDir dir;
  dir.install("crashes");
  expect_refused(dir.refusal("crashes", {{}, PROBE_HELPER, {}, {}}), "crashed a test process (signal 6, Aborted)");
}

TEST(Loader, turns_a_crash_in_a_static_initialiser_into_a_refusal) {
  PluginDir dir;
  dir.install("crashes_early");
  expect_refused(dir.refusal("crashes_early", {{}, PROBE_HELPER, {}, {}}), "crashed a test process");
}

TEST(Loader, turns_a_constructor_that_throws_into_a_refusal) {
  PluginDir dir;
  dir.install("throws_early");
  expect_refused(dir.refusal("throws_early", {{}, PROBE_HELPER, {}, {}}), "crashed a test process");
}

TEST(Loader, turns_an_instance_whose_constructor_throws_into_an_error_of_its_opening) {
  PluginDir dir;
  dir.install("open_throws");
  const auto host = dir.scan();
  EXPECT_THAT(error_of([&] { host->open_storage("open_throws", "9f9e0cf5-b3ca-4b9d-9a33-0a1bb4f0f3b1", "{}"); }),
              HasSubstr("plugin open_throws let an exception escape from open"));
}

TEST(Loader, refuses_a_truncated_library_at_every_length) {
  PluginDir dir;
  const auto library = dir.install_memory();
  const auto full = std::filesystem::file_size(library);
  for (uintmax_t size = full - 1; size > 0; size = size * 3 / 4) {
    std::filesystem::resize_file(library, size);
    const auto why = error_of([&] { check_shared_library(library); });
    if (size >= 4) {
      EXPECT_THAT(why, HasSubstr("is truncated")) << size << " of " << full;
    } else {
      EXPECT_THAT(why, HasSubstr("is not a shared library")) << size;
    }
  }
  expect_refused(dir.refusal("memory"), "is not a shared library");
}

TEST(Loader, refuses_a_text_file) {
  PluginDir dir;
  const auto library = dir.install_memory();
  write_file(library, "#!/bin/sh\necho no\n");
  expect_refused(dir.refusal("memory"), "is not a shared library (no ELF header)");
}

TEST(Loader, refuses_a_program) {
  PluginDir dir;
  const auto library = dir.install_memory();
  std::filesystem::copy_file("/bin/true", library, std::filesystem::copy_options::overwrite_existing);
  EXPECT_NE(dir.refusal("memory"), "");
}

TEST(Loader, refuses_a_library_of_another_machine) {
  PluginDir dir;
  const auto library = dir.install_memory();
  std::fstream(library, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(18)
      .write("\x16\x00", 2);  // e_machine: S/390
  expect_refused(dir.refusal("memory"), "was built for another machine");
}

TEST(Loader, refuses_a_library_that_others_may_write) {
  PluginDir dir;
  chmod(dir.install_memory().c_str(), 0757);
  expect_refused(dir.refusal("memory"), "memory.so can be written by others (mode 0757): chmod go-w it");
}

TEST(Loader, refuses_a_manifest_that_its_group_may_write) {
  PluginDir dir;
  dir.install_memory();
  chmod((dir / "memory.vbs-plugin.yaml").c_str(), 0664);
  expect_refused(dir.refusal("memory"), "can be written by its group (mode 0664)");
}

TEST(Loader, refuses_a_directory_that_others_may_write) {
  PluginDir dir;
  dir.install_memory();
  chmod(dir.path().c_str(), 0777);
  expect_refused(dir.refusal("memory"), "can be written by others (mode 0777)");
}

TEST(Loader, refuses_a_directory_under_one_that_others_may_write) {
  PluginDir dir;
  const std::string under = dir / "plugins";
  std::filesystem::create_directory(under);
  chmod(under.c_str(), 0755);
  chmod(dir.path().c_str(), 0777);
  EXPECT_THAT(error_of([&] { check_trusted_directory(under, geteuid()); }), HasSubstr("who could exchange"));
  chmod(dir.path().c_str(), 01777);  // like /tmp: only the owner renames what is in it
  EXPECT_EQ(error_of([&] { check_trusted_directory(under, geteuid()); }), "");
}

TEST(Loader, refuses_files_of_another_user) {
  PluginDir dir;
  const auto library = dir.install_memory();
  const uid_t other = 12345;
  if (geteuid() == 0) {
    ASSERT_EQ(chown(library.c_str(), other, 0), 0);
  }
  EXPECT_THAT(error_of([&] { check_trusted_file(library, geteuid() == 0 ? 0 : other); }),
              HasSubstr("it must belong to root or to"));
}

TEST(Loader, refuses_a_symbolic_link) {
  PluginDir dir;
  const auto library = dir.install_memory();
  std::filesystem::rename(library, dir / "elsewhere.bin");
  std::filesystem::create_symlink(dir / "elsewhere.bin", library);
  expect_refused(dir.refusal("memory"), "is a symbolic link");
}

TEST(Loader, refuses_a_library_without_a_manifest) {
  PluginDir dir;
  dir.install_memory();
  std::filesystem::remove(dir / "memory.vbs-plugin.yaml");
  expect_refused(dir.refusal("memory"), "there is no manifest");
}

TEST(Loader, refuses_a_manifest_without_a_library) {
  PluginDir dir;
  std::filesystem::remove(dir.install_memory());
  expect_refused(dir.refusal("memory"), "memory.so cannot be read: No such file or directory");
}

TEST(Loader, refuses_a_plugin_for_a_later_abi_before_it_loads_it) {
  PluginDir dir;
  dir.install("crashes");
  write_file(dir / "crashes.vbs-plugin.yaml",
             "name: crashes\nversion: '1.0'\nkinds: [storage]\nabi: {storage: [3, 4]}\n");
  expect_refused(dir.refusal("crashes"), "needs version 3 to 4 of the storage table; this VBS speaks 0 to 0");
}

TEST(Loader, refuses_a_kind_that_the_library_does_not_bring) {
  PluginDir dir;
  dir.install_memory();
  write_file(
      dir / "memory.vbs-plugin.yaml",
      "name: memory\nversion: '1.0'\nkinds: [storage, hypervisor]\nabi: {storage: [0, 0], hypervisor: [0, 0]}\n");
  expect_refused(dir.refusal("memory"), "brings no hypervisor table");
}

TEST(Loader, refuses_a_need_that_it_does_not_know) {
  PluginDir dir;
  dir.install("memory", "needs: [time-machine]\n");
  expect_refused(dir.refusal("memory"), "needs 'time-machine', which this VBS does not have");
}

TEST(Loader, keeps_the_first_of_two_plugins_with_one_name) {
  PluginDir first, second;
  first.install_memory();
  second.install_memory();
  PluginHost host({{first.path(), second.path()}, "", {}, {}});
  host.scan();
  ASSERT_EQ(host.plugins().size(), 2u);
  EXPECT_EQ(host.plugins()[0].refusal, "");
  expect_refused(host.plugins()[1].refusal, "already loaded from another directory");
}

TEST(Loader, goes_on_after_a_refusal_and_a_missing_directory) {
  PluginDir dir;
  dir.install("entry_null");
  dir.install_memory();
  PluginHost host({{"/nonexistent/vbs/plugins", dir.path()}, "", {}, {}});
  host.scan();
  EXPECT_NO_THROW(host.open_storage("memory", "9f9e0cf5-b3ca-4b9d-9a33-0a1bb4f0f3b1", "{}"));
}

TEST(Loader, refuses_operator_patterns_with_unknown_commands_or_parameters) {
  PluginDir dir;
  dir.install_memory();
  expect_refused(dir.refusal("memory", {{}, "", {{"memory", {{"shwo", {"printf", "{value}"}}}}}, {}}),
                 "'commands.memory.shwo': the plugin has no such command; it has: absent, fail, hidden, show, slow");
  expect_refused(dir.refusal("memory", {{}, "", {{"memory", {{"show", {"printf", "{valeu}"}}}}}, {}}),
                 "'commands.memory.show': '{valeu}' is not among its params");
}

TEST(Loader, says_which_plugins_there_are_when_another_is_asked_for) {
  PluginDir dir;
  dir.install_memory();
  dir.install("no_open");
  const auto host = dir.scan();
  EXPECT_THAT(error_of([&] { host->open_storage("mem", "", "{}"); }),
              HasSubstr("there is no plugin 'mem'; loaded are: memory"));
  EXPECT_THAT(error_of([&] { host->open_storage("no_open", "", "{}"); }), HasSubstr("was refused: its storage table"));
  EXPECT_THAT(error_of([&] { host->open_hypervisor("memory", "{}"); }),
              HasSubstr("is no hypervisor plugin; it is: storage"));
}
}  // namespace
}  // namespace vbs::test
