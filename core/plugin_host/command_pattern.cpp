#include "core/plugin_host/command_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
bool is_name(const std::string& s) {
  return !s.empty() && s[0] >= 'a' && s[0] <= 'z' && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Calls on_text for literal pieces and on_param for each "{name}".
void split(const std::string& argument, const std::function<void(const std::string&)>& on_text,
           const std::function<void(const std::string&)>& on_param) {
  std::string text;
  for (size_t i = 0; i < argument.size(); ++i) {
    const char c = argument[i];
    if ((c == '{' || c == '}') && i + 1 < argument.size() && argument[i + 1] == c) {
      text += c;
      ++i;
    } else if (c == '{') {
      const size_t end = argument.find('}', i);
      const std::string name = end == std::string::npos ? "" : argument.substr(i + 1, end - i - 1);
      if (!is_name(name))
        throw Error(Code::invalid,
                    fmt::format("argument '{}': after '{{' a parameter name and '}}' must follow; write '{{{{' "
                                "for a brace",
                                for_log(argument)));
      on_text(std::exchange(text, ""));
      on_param(name);
      i = end;
    } else if (c == '}') {
      throw Error(Code::invalid,
                  fmt::format("argument '{}': a '}}' without '{{'; write '}}}}' for a brace", for_log(argument)));
    } else {
      text += c;
    }
  }
  on_text(text);
}

std::string quoted_if_needed(const std::string& argument) {
  const std::string s = for_log(argument);
  return s.empty() || s.find_first_of(" '\"\\;$`&|<>?()") != std::string::npos ? "'" + s + "'" : s;
}

const std::string& value_of(const CommandPattern& pattern, const CommandValues& values, const std::string& name) {
  static const std::string empty;
  const auto it = values.find(name);
  if (it != values.end()) return it->second;
  const auto* p = pattern.param(name);
  if (p && p->optional) return empty;
  throw Error(Code::invalid, fmt::format("no value was given for the parameter '{}'", name), name);
}
}  // namespace

const CommandParam* CommandPattern::param(const std::string& name) const {
  const auto it = std::find_if(params.begin(), params.end(), [&](const auto& p) { return p.name == name; });
  return it == params.end() ? nullptr : &*it;
}

std::set<std::string> params_of(const std::string& argument) {
  std::set<std::string> names;
  split(
      argument, [](const std::string&) {}, [&](const std::string& name) { names.insert(name); });
  return names;
}

void check_pattern(const CommandPattern& pattern, const std::string& where) {
  const auto bad = [&](const std::string& what) { throw Error(Code::invalid, fmt::format("{}: {}", where, what)); };
  if (pattern.argv.empty() || pattern.argv[0].empty()) bad("argv is empty: it begins with the program's name");
  std::set<std::string> used;
  for (const auto& argument : pattern.argv) {
    try {
      used.merge(params_of(argument));
    } catch (const Error& e) {
      bad(e.what());
    }
    if (argument.find('\0') != std::string::npos) bad("an argument contains a NUL byte");
    if (&argument == &pattern.argv[0] && !used.empty()) bad("the program's name must not contain a parameter");
  }
  for (const auto& name : used)
    if (!pattern.param(name)) bad(fmt::format("'{{{}}}' is not among its params", name));
  for (const auto& p : pattern.params)
    if (!p.optional && !used.count(p.name)) bad(fmt::format("the parameter '{{{}}}' is missing in argv", p.name));
}

ExpandedCommand expand(const CommandPattern& pattern, const CommandValues& values) {
  ExpandedCommand out;
  for (const auto& [name, value] : values) {
    const auto* p = pattern.param(name);
    if (!p) throw Error(Code::invalid, fmt::format("'{}' is not a parameter of this command", for_log(name, 64)), name);
    if (value.find('\0') != std::string::npos)
      throw Error(Code::invalid, fmt::format("the value of '{}' contains a NUL byte", name), name);
    if (p->secret) out.secrets.push_back(value);
  }
  for (const auto& p : pattern.params) value_of(pattern, values, p.name);
  bool options_over = false;
  for (const auto& argument : pattern.argv) {
    std::string real, shown;
    split(
        argument,
        [&](const std::string& text) {
          real += text;
          shown += text;
        },
        [&](const std::string& name) {
          const std::string& value = value_of(pattern, values, name);
          const auto* p = pattern.param(name);
          if (real.empty() && value.starts_with('-') && !options_over && !(p && p->dash))
            throw Error(Code::invalid,
                        fmt::format("the value of '{}' begins with '-' and could be taken for an option: put "
                                    "'--' before it in the command pattern, or declare it 'dash: true'",
                                    name),
                        name);
          real += value;
          shown += p && p->secret ? "***" : value;
        });
    if (argument == "--") options_over = true;
    out.shown += (out.shown.empty() ? "" : " ") + quoted_if_needed(shown);
    out.argv.push_back(std::move(real));
  }
  return out;
}

bool is_secret_name(const std::string& name) {
  for (const char* word : {"secret", "password", "passwd", "passphrase", "token", "chap", "credential"})
    if (name.find(word) != std::string::npos) return true;
  return false;
}

std::string redact(std::string text, const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    if (secret.size() < 4) continue;  // replacing "1" everywhere would hide the message, not the secret
    for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

}  // namespace vbs
