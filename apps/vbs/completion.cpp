#include "apps/vbs/completion.hpp"

#include <fmt/format.h>

#include <vector>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/json_fields.hpp"

namespace vbs::cli {
namespace {

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  return names;
}

struct Words {
  std::vector<std::string> flags, valued, positionals;  // valued: those flags that take the next word
};

void collect(const CLI::App& app, Words& words) {
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      words.flags.push_back("--" + name);
      if (option->get_items_expected_max() > 0) words.valued.push_back("--" + name);
    }
    if (option->get_positional()) words.positionals.push_back(option->get_name(true, false));
  }
}

void add_cases(const CLI::App& app, const std::string& path, std::string& script) {
  Words words;
  collect(app, words);
  script += fmt::format("    '{}') subcommands='{}' flags='{}' valued='{}' kinds=({}) ;;\n", path,
                        join(subcommand_names(app), " "), join(words.flags, " "), join(words.valued, " "),
                        join(words.positionals, " "));
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    add_cases(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), script);
}

constexpr const char* kHead = R"bash(# bash completion for vbs, printed by `vbs completion bash`
_vbs_describe() {
  case "$1" in
)bash";
constexpr const char* kTail = R"bash(    *) return 1 ;;
  esac
}

_vbs() {
  local current=${COMP_WORDS[COMP_CWORD]} path='' subcommands flags valued kinds word kind position=0 i
  COMPREPLY=()
  _vbs_describe ''
  local global=$flags global_valued=$valued
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ " $valued $global_valued " == *" $word "* ]]; then
      ((i++))
    elif [[ $word == -* ]]; then
      continue
    elif [[ " $subcommands " == *" $word "* ]]; then
      path=${path:+$path }$word
      _vbs_describe "$path"
    else
      ((position++))
    fi
  done
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags $global" -- "$current")
    return
  fi
  if [[ -n $subcommands && $position -eq 0 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$subcommands" -- "$current")
    return
  fi
  ((position >= ${#kinds[@]} && ${#kinds[@]} > 0)) && position=$((${#kinds[@]} - 1))
  kind=${kinds[position]:-}
  case "$kind" in
    VOLUME | SNAPSHOT | OPERATION | HOST)
      mapfile -t COMPREPLY < <(compgen -W "$(timeout 2 vbs completion names "$kind" 2>/dev/null)" -- "$current")
      ;;
    *) compopt -o default 2>/dev/null ;;
  esac
}
complete -F _vbs vbs
)bash";

bool is_word(const std::string& text) {
  return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
                              std::string::npos;
}

// Names and ids, one a line. Names that a shell would read as more than a word are left out: they come from other
// people.
void print_names(Context& context, const std::string& kind) {
  const bool host = kind == "HOST";
  const char* field = kind == "VOLUME" ? "volumes" : kind == "SNAPSHOT" ? "snapshots" : host ? "hosts" : "operations";
  const auto answer = context.session().list(Target("/v1").segment(field), field);
  for (const auto& item : answer[field].GetArray())
    for (const char* name : {"name", "id"})
      if (const auto word = text(item, name); is_word(word)) context.console.out << word << '\n';
}
}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string script = kHead;
  add_cases(app, "", script);
  return script + kTail;
}

void add_completion_command(CLI::App& app, Context& context) {
  auto* group = add_command(app, context, "completion", "Print the completion script for a shell",
                            "source <(vbs completion bash)", [](Context&) {});
  group->require_subcommand(1);
  add_command(*group, context, "bash", "The script for bash",
              "vbs completion bash > ~/.local/share/bash-completion/completions/vbs",
              [&app](Context& c) { c.console.out << bash_completion(app); });
  auto kind = std::make_shared<std::string>();
  add_command(*group, context, "names", "What the script offers for an argument", "vbs completion names VOLUME",
              [kind](Context& c) { print_names(c, *kind); })
      ->add_option("KIND", *kind, "of what")
      ->required()
      ->check(CLI::IsMember({"VOLUME", "SNAPSHOT", "OPERATION", "HOST"}));
}

}  // namespace vbs::cli
