#include "core/delegates/mounts.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "core/base/json.hpp"

namespace vbs {
namespace {
bool can_hang(const std::string& type) {
  static constexpr std::array<std::string_view, 12> kTypes{"lustre", "nfs",    "nfs4", "glusterfs", "ceph", "cifs",
                                                           "smb3",   "beegfs", "gfs2", "ocfs2",     "afs",  "9p"};
  return type.rfind("fuse", 0) == 0 || std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// Blanks and backslashes in a mount point are octal: \040.
std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool lies_in(const std::string& path, const std::string& point) {
  if (point == "/") return true;
  return path.rfind(point, 0) == 0 && (path.size() == point.size() || path[point.size()] == '/');
}
}  // namespace

std::string hanging_mount(std::string_view mountinfo, const std::string& path) {
  const auto wanted = std::filesystem::path(path).lexically_normal().string();
  std::istringstream in{std::string(mountinfo)};
  std::string best_point, best_type;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string w; words >> w;) fields.push_back(w);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 2) continue;
    const auto point = unescaped(fields[4]);
    // A later mount on the same point covers the earlier one.
    if (lies_in(wanted, point) && point.size() >= best_point.size()) {
      best_point = point;
      best_type = *(dash + 1);
    }
  }
  return can_hang(best_type) ? best_type : "";
}

std::string hanging_mount_in(const std::string& config) {
  const auto document = parse_json(config);
  if (!document.IsObject()) return "";
  std::ostringstream text;
  text << std::ifstream("/proc/self/mountinfo").rdbuf();
  const auto mountinfo = text.str();
  for (const auto& m : document.GetObject())
    if (m.value.IsString() && m.value.GetStringLength() > 1 && m.value.GetString()[0] == '/')
      if (auto type = hanging_mount(mountinfo, m.value.GetString()); !type.empty()) return type;
  return "";
}

}  // namespace vbs
