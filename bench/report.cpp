#include "bench/report.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "core/base/clock.hpp"
#include "core/base/json.hpp"

namespace vbs::bench {
namespace {
std::string number(double v) {
  return v >= 1000 ? fmt::format("{:.0f}", v) : v >= 100 ? fmt::format("{:.1f}", v) : fmt::format("{:.2f}", v);
}
const char* sign(Goal::Bound b) { return b == Goal::Bound::at_least ? ">=" : "<="; }

void text(JsonWriter& w, const char* name, const std::string& value) {
  key(w, name);
  put(w, value);
}
void real(JsonWriter& w, const char* name, double value) {
  key(w, name);
  w.Double(value);
}
}  // namespace

void Report::add(Figure f) {
  if (figures_.empty() || figures_.back().group != f.group) fmt::print("\n{}\n", f.group);
  const auto goal =
      f.goal ? fmt::format("{} {} {}", sign(f.goal->bound), number(f.goal->value), f.met() ? "met" : "MISSED") : "";
  fmt::print("  {:<52}{:>10} {:<10}{:<18}{}\n", f.name, number(f.value), f.unit, goal, f.note);
  std::fflush(stdout);
  figures_.push_back(std::move(f));
}

size_t Report::missed() const {
  return static_cast<size_t>(std::count_if(figures_.begin(), figures_.end(), [](const Figure& f) { return !f.met(); }));
}

void Report::write_json(const std::string& path) const {
  JsonBuffer b;
  JsonWriter w(b);
  w.StartObject();
  utsname system{};
  uname(&system);
  double load[1] = {0};
  getloadavg(load, 1);
  text(w, "taken_at", rfc3339(now_us()));
  text(w, "kernel", system.release);
  real(w, "cores", std::thread::hardware_concurrency());
  real(w, "load_average_at_end", load[0]);
  key(w, "figures");
  w.StartArray();
  for (const auto& f : figures_) {
    w.StartObject();
    text(w, "group", f.group);
    text(w, "name", f.name);
    real(w, "value", f.value);
    text(w, "unit", f.unit);
    if (!f.note.empty()) text(w, "note", f.note);
    if (f.goal) {
      text(w, "goal", sign(f.goal->bound) + std::string(" ") + number(f.goal->value));
      key(w, "met");
      w.Bool(f.met());
    }
    w.EndObject();
  }
  w.EndArray();
  w.EndObject();
  std::ofstream file(path);
  file << b.GetString() << "\n";
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace vbs::bench
