// Command patterns: an external command as an argument vector with named parameters.
//
//   argv: [lfs, setstripe, -c, "{count}", --, "{path}"]      params: [count, path]
//
// "{name}" anywhere in an argument is replaced by the value, which stays inside that one argument whatever it contains;
// "{{" and "}}" stand for braces. argv[0], the program, takes no parameters.
//
// A value that begins with '-' is refused where it would begin an argument that the program could take for an option:
// that is, unless a plain "--" comes before it, or the parameter is declared `dash: true`.
//
// Threading: values; const use from any thread. Errors: throws Error(invalid).
#pragma once
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vbs {

struct CommandParam {
  std::string name;
  bool secret = false;    // never shown; also set for names that sound like secrets (is_secret_name)
  bool dash = false;      // may begin with '-'
  bool optional = false;  // a pattern, and a call, may leave it out
};

struct CommandPattern {
  std::vector<std::string> argv;
  std::vector<CommandParam> params;
  std::chrono::seconds timeout{60};
  std::set<int> ok_exit{0};
  std::string package;  // that brings the program; for messages only
  const CommandParam* param(const std::string& name) const;
};

using CommandSet = std::map<std::string, CommandPattern>;
using CommandValues = std::map<std::string, std::string>;

// Names used in one argument. Throws for unbalanced braces and for names that are not [a-z][a-z0-9_]*.
std::set<std::string> params_of(const std::string& argument);

// Throws, with `where` in front, for an unknown or unused parameter or an argv that can never run.
void check_pattern(const CommandPattern& pattern, const std::string& where);

struct ExpandedCommand {
  std::vector<std::string> argv;
  std::string shown;                 // for logs and messages: secrets are ***, control characters escaped
  std::vector<std::string> secrets;  // values that must not be shown in its output either
};
// Throws for a value that is missing, not declared, holds a NUL byte, or could be taken for an option.
ExpandedCommand expand(const CommandPattern& pattern, const CommandValues& values);

bool is_secret_name(const std::string& name);
// `text` with every secret of at least 4 bytes replaced by ***.
std::string redact(std::string text, const std::vector<std::string>& secrets);

}  // namespace vbs
