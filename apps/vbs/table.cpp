#include "apps/vbs/table.hpp"

#include <algorithm>
#include <set>

#include "core/base/log.hpp"

namespace vbs::cli {
namespace {
std::string printable(const std::string& text) { return for_log(text, 1024); }

// Characters, not bytes: UTF-8 continuation bytes take no place of their own.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void print_row(std::ostream& out, const std::string& indent, const std::vector<std::string>& cells,
               const std::vector<size_t>& widths) {
  std::string line = indent;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line += std::string(widths[i] - width(cells[i]) + 2, ' ');
  }
  out << line << '\n';
}
}  // namespace

void Table::add(std::vector<std::string> cells) {
  for (auto& cell : cells) cell = cell.empty() ? "-" : printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, const std::string& indent) const {
  std::vector<size_t> widths;
  for (const auto& head : heads_) widths.push_back(width(head));
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  print_row(out, indent, heads_, widths);
  for (const auto& row : rows_) print_row(out, indent, row, widths);
}

void Details::add(std::string name, std::string value) {
  if (!value.empty()) lines_.emplace_back(std::move(name), printable(value));
}

void Details::print(std::ostream& out) const {
  size_t widest = 0;
  for (const auto& [name, value] : lines_) widest = std::max(widest, name.size());
  for (const auto& [name, value] : lines_)
    out << name << ':' << std::string(widest - name.size() + 2, ' ') << value << '\n';
}

std::vector<std::string> short_ids(const std::vector<std::string>& ids) {
  size_t length = 8;
  for (; length < 36; ++length) {
    std::set<std::string> seen;
    for (const auto& id : ids) seen.insert(id.substr(0, length));
    if (seen.size() == std::set<std::string>(ids.begin(), ids.end()).size()) break;
  }
  std::vector<std::string> out;
  for (const auto& id : ids) out.push_back(id.substr(0, length));
  return out;
}

}  // namespace vbs::cli
