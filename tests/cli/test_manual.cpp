// The manual page, the help and the completion must not lag behind the commands.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "apps/vbs/completion.hpp"
#include "tests/cli/fake_service.hpp"

namespace vbs::cli {
namespace {

std::string manual() {
  const char* source = std::getenv("VBS_SOURCE_DIR");
  std::ifstream in(std::string(source ? source : ".") + "/docs/man/vbs.1");
  std::string text{std::istreambuf_iterator<char>(in), {}}, plain;
  for (size_t i = 0; i < text.size(); ++i) {  // without \- and \fB
    if (text[i] != '\\')
      plain += text[i];
    else if (text.compare(i, 2, "\\f") == 0)
      i += 2;
  }
  return plain;
}

struct Built {
  std::ostringstream sink;
  CLI::App app{"", "vbs"};
  Context context{{sink, sink}, process_environment, https_transport};
  Built() { build(app, context); }
};

void every_command(const CLI::App& app, const std::string& path,
                   const std::function<void(const std::string&, const CLI::App&)>& visit) {
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = path.empty() ? sub->get_name() : path + " " + sub->get_name();
    visit(name, *sub);
    every_command(*sub, name, visit);
  }
}

TEST(Manual, HasEveryCommandAndEveryOption) {
  const std::string text = manual();
  ASSERT_FALSE(text.empty()) << "docs/man/vbs.1 not found: run through ctest, or set VBS_SOURCE_DIR";
  Built built;
  every_command(built.app, {}, [&](const std::string& name, const CLI::App& command) {
    if (!name.ends_with(" list")) {  // written as GROUP [list]
      EXPECT_NE(text.find(name), std::string::npos) << name;
    }
    for (const auto* option : command.get_options())
      for (const auto& flag : option->get_lnames()) {
        if (flag == "help") continue;
        EXPECT_NE(text.find("--" + flag), std::string::npos) << name << " --" << flag;
      }
  });
}

TEST(Manual, EveryCommandsHelpHasExamples) {
  Built built;
  every_command(built.app, {}, [&](const std::string& name, const CLI::App& command) {
    EXPECT_NE(command.get_footer().find("Examples:\n  "), std::string::npos) << name;
    EXPECT_FALSE(command.get_description().empty()) << name;
  });
}

TEST(Completion, HasEveryCommandAndIsGoodBash) {
  Built built;
  const std::string script = bash_completion(built.app);
  every_command(built.app, {}, [&](const std::string& name, const CLI::App&) {
    EXPECT_NE(script.find("'" + name + "')"), std::string::npos) << name;
  });
  FILE* bash = popen("bash -n", "w");
  ASSERT_NE(bash, nullptr);
  fwrite(script.data(), 1, script.size(), bash);
  EXPECT_EQ(pclose(bash), 0);
}

struct CompletionNames : test::CommandTest {};
TEST_F(CompletionNames, OfferNamesAndIdsButNothingThatAShellWouldExpand) {
  script.answer(200, test::list_of("volumes", {test::volume_json(test::kVolumeId, "data"),
                                               test::volume_json(test::kOtherId, "$(reboot)")}));
  EXPECT_EQ(vbs({"completion", "names", "VOLUME"}), 0) << err;
  EXPECT_EQ(out, std::string("data\n") + test::kVolumeId + "\n" + test::kOtherId + "\n");
}
}  // namespace
}  // namespace vbs::cli
