// SPDX-License-Identifier: MIT
#include "lustre_tools.hpp"

#include <algorithm>
#include <charconv>

namespace vbs::lustre {
namespace {

template <class F>
void each_line(std::string_view text, F&& f) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    f(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; (at = line.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

template <class T>
std::optional<T> number(std::string_view s) {
  T n{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc() && end == s.data() + s.size() ? std::optional(n) : std::nullopt;
}

// "  key:   value" -> value, if the line has that key.
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
  const auto parts = words(line);
  if (parts.empty() || parts[0].size() != key.size() + 1 || !parts[0].starts_with(key) || parts[0].back() != ':')
    return std::nullopt;
  return parts.size() > 1 ? parts[1] : std::string_view();
}

// /proc/mounts writes blanks, tabs, line ends and backslashes as \ooo (getmntent(3)).
std::string unescaped(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    unsigned c = 0;
    if (s[i] == '\\' && i + 3 < s.size() &&
        std::from_chars(s.data() + i + 1, s.data() + i + 4, c, 8).ptr == s.data() + i + 4) {
      out += static_cast<char>(c);
      i += 3;
    } else {
      out += s[i];
    }
  }
  return out;
}

bool lies_on(std::string_view path, std::string_view point) {
  if (point == "/") return true;
  return path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/');
}
}  // namespace

std::vector<Ost> parse_df(std::string_view output) {
  std::vector<Ost> out;
  each_line(output, [&](std::string_view line) {
    const auto w = words(line);
    if (w.size() < 6) return;
    const auto at = w.back().rfind("[OST:");
    if (at == std::string_view::npos || w.back().back() != ']') return;
    const auto index = number<int>(w.back().substr(at + 5, w.back().size() - at - 6));
    const auto total = number<uint64_t>(w[1]), available = number<uint64_t>(w[3]);  // KiB
    if (index && total && available) out.push_back({*index, *total << 10, *available << 10});
  });
  return out;
}

std::optional<Layout> parse_layout(std::string_view output) {
  Layout layout;
  bool count = false, size = false;
  each_line(output, [&](std::string_view line) {
    if (const auto v = value_of(line, "lmm_stripe_count"); v && !count) {
      const auto n = number<int>(*v);
      count = n.has_value();
      layout.stripe_count = n.value_or(0);
    } else if (const auto s = value_of(line, "lmm_stripe_size"); s && !size) {
      const auto n = number<uint64_t>(*s);
      size = n.has_value();
      layout.stripe_size_bytes = n.value_or(0);
    } else if (const auto p = value_of(line, "lmm_pool"); p && layout.pool.empty()) {
      layout.pool = *p;
    }
  });
  return count && size ? std::optional(layout) : std::nullopt;
}

std::vector<std::string> parse_pools(std::string_view output) {
  std::vector<std::string> out;
  each_line(output, [&](std::string_view line) {
    const auto w = words(line);
    const auto dot = w.size() == 1 ? w[0].find('.') : std::string_view::npos;
    if (dot != std::string_view::npos) out.emplace_back(w[0].substr(dot + 1));
  });
  return out;
}

std::optional<Mount> mount_of(std::string_view mounts, std::string_view path) {
  std::optional<Mount> best;
  each_line(mounts, [&](std::string_view line) {
    const auto w = words(line);
    if (w.size() < 4) return;
    Mount m{unescaped(w[1]), std::string(w[2]), std::string(w[3])};
    if (lies_on(path, m.point) && (!best || m.point.size() >= best->point.size())) best = std::move(m);
  });
  return best;
}

LockOption lock_option(const Mount& mount) {
  if (mount.type != "lustre") return LockOption::not_lustre;
  const std::string options = "," + mount.options + ",";
  if (options.find(",localflock,") != std::string::npos) return LockOption::local;
  if (options.find(",flock,") != std::string::npos) return LockOption::cluster;
  return LockOption::none;  // noflock, or an older client that prints nothing for it
}

}  // namespace vbs::lustre
