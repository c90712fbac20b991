#include "tests/faults/faulty_service.hpp"

#include "core/base/json.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace vbs::test {
namespace fs = std::filesystem;

FaultyService::FaultyService(bool layers) : layers_(layers) {
  const char* build = std::getenv("VBS_BUILD_DIR");
  if (!build) throw std::runtime_error("VBS_BUILD_DIR must name the build directory");
  for (const auto* part : {"plugins", "data", "world"}) fs::create_directory(dir_ / part);
  for (const auto* file : {"faulty.so", "faulty.vbs-plugin.yaml"})
    fs::copy_file(std::string(build) + "/plugins/" + file, dir_ / "plugins" + "/" + file);
}

PluginHostOptions FaultyService::plugins() const { return {{dir_ / "plugins"}, "", {}, {}}; }

std::string FaultyService::config_of_plugin() const {
  return R"({"directory": ")" + directory() + R"(", "vms": 2, "layers": )" + (layers_ ? "true" : "false") + "}";
}

TestCore FaultyService::start(EngineOptions options) const {
  auto config = test_config(dir_ / "data");
  config.backends.front().plugin = config.hosts.front().hypervisor = "faulty";
  config.backends.front().config = config.hosts.front().config = config_of_plugin();
  return TestCore(config, plugins(), options);
}

void FaultyService::set_faults(const std::string& rules) {
  // Renamed into place: a service that runs never reads half of it.
  const auto fresh = directory() + "/faults.new";
  std::ofstream(fresh) << rules << "; run " << getpid() << "-" << ++texts_ << "\n";
  fs::rename(fresh, directory() + "/faults");
}

std::vector<std::string> FaultyService::calls() const {
  std::vector<std::string> out;
  std::ifstream in(directory() + "/calls");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string number, name;
    words >> number >> name;
    if (number == "=")
      out.clear();
    else if (number != "!")
      out.push_back(name);
  }
  return out;
}

std::string FaultyService::breaches() const {
  std::string out;
  std::ifstream in(directory() + "/calls");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("!")) out += line + "\n";
  return out;
}

void FaultyService::keep(const std::string& name) const {
  for (const auto* part : {"data", "world"}) {
    fs::remove_all(dir_ / (name + "-" + part));
    fs::copy(dir_ / part, dir_ / (name + "-" + part), fs::copy_options::recursive);
  }
}

void FaultyService::restore(const std::string& name) const {
  for (const auto* part : {"data", "world"}) {
    fs::remove_all(dir_ / part);
    fs::copy(dir_ / (name + "-" + part), dir_ / part, fs::copy_options::recursive);
  }
}

std::vector<std::string> FaultyService::differences(TestCore& core, const std::string& directory) {
  std::map<std::string, std::set<std::string>> wanted, found;
  core->database.snapshot([&](store::Session& db) {
    const auto names = [&](const char* part, const char* sql) {
      db.each<std::string>(sql, [&](const std::string& name) { wanted[part].insert(name); });
    };
    names("objects", "SELECT id FROM volumes WHERE refs <> ''");
    names("objects", "SELECT id FROM snapshots WHERE refs <> ''");
    // One that a failed tidy has left is kept in mind until the volume goes; a repair may have removed it before.
    names("layers", "SELECT name FROM layers WHERE dropped_by = ''");
    names("exports", "SELECT id FROM exports");
    names("plugs", "SELECT vm_uuid || '.' || volume_id FROM attachments");
    for (const auto* table : {"volumes", "snapshots", "attachments"})
      db.each<std::string>("SELECT id FROM " + std::string(table) + " WHERE operation_id <> ''",
                           [&](const std::string& id) { wanted["without an operation"].insert(id); });
  });
  for (const auto* part : {"objects", "layers", "exports", "plugs"})
    for (const auto& entry : fs::directory_iterator(directory + "/" + part)) found[part].insert(entry.path().stem());
  for (const auto& [part, member] : {std::pair("objects", "layer"), std::pair("layers", "parent")})
    for (const auto& name : found[part]) {
      std::ostringstream text;
      text << std::ifstream(directory + "/" + part + "/" + name + ".json").rdbuf();
      const auto record = parse_json(text.str());
      const std::string layer = record[member].GetString();
      if (!layer.empty() && !found["layers"].count(layer)) found["lost layers"].insert(layer);
    }
  for (const auto& entry : fs::directory_iterator(directory + "/disks"))
    if (!found["layers"].count(entry.path().filename())) found["disks"].insert(entry.path().filename());
  std::vector<std::string> out;
  for (const auto* part : {"objects", "layers", "exports", "plugs", "disks", "lost layers", "without an operation"}) {
    for (const auto& name : wanted[part])
      if (!found[part].count(name))
        out.push_back(std::string(part) + ": the store names " + name + ", it is not there");
    for (const auto& name : found[part])
      if (!wanted[part].count(name)) out.push_back(std::string(part) + ": the store does not name " + name);
  }
  return out;
}

Ended in_child(const std::function<std::string()>& f) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    std::string said;
    try {
      said = f();
    } catch (const std::exception& e) {
      said = std::string("! ") + e.what();
    }
    if (write(ends[1], said.data(), said.size()) < 0) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  Ended ended;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    ended.said.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  ended.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (!ended.killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
    ended.said = "! the child ended with status " + std::to_string(status) + ". " + ended.said;
  return ended;
}

}  // namespace vbs::test
