// vbs_bench: loads a running vbsd and says what it does. bench/run sets the service up and calls this.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "bench/report.hpp"
#include "bench/settings.hpp"

int main(int argc, char** argv) {
  using namespace vbs::bench;
  const std::map<std::string, void (*)(const Settings&, Report&)> phases{
      {"attach", measure_attach}, {"crowd", measure_crowd}, {"one", measure_one_client},
      {"rates", measure_rates},   {"sizes", measure_sizes}, {"syncs", measure_syncs}};
  CLI::App app{"vbs_bench, the load generator of VBS"};
  Settings s;
  std::string json;
  std::vector<std::string> wanted;
  app.add_option("--port", s.server.port)->required();
  app.add_option("--ca", s.server.ca)->required();
  app.add_option("--cert", s.server.cert, "of an operator")->required();
  app.add_option("--key", s.server.key)->required();
  app.add_option("--pid", s.vbsd, "of vbsd")->required();
  app.add_option("--store", s.store, "directory of vbs.db")->required();
  app.add_option("--ext4", s.ext4_dir, "root of the back-end named ext4");
  app.add_option("--xfs", s.xfs_dir, "root of the back-end named xfs");
  app.add_option("--host", s.host);
  app.add_option("--vm", s.vm);
  app.add_option("--crowd", s.crowd, "a host with VMs vm1 to vm200");
  app.add_option("--libvirt", s.libvirt, "URI");
  app.add_option("--clients", s.clients)->capture_default_str();
  app.add_option("--seconds", s.seconds, "of each rate")->capture_default_str();
  app.add_option("--repeats", s.repeats, "of each operation on each size")->capture_default_str();
  app.add_option("--full-gib", s.full_gib, "size of the volume full of data; 0: none")->capture_default_str();
  app.add_option("--json", json)->required();
  app.add_option("phases", wanted, "one, rates, syncs, sizes, crowd, attach");
  CLI11_PARSE(app, argc, argv);
  try {
    Report report;
    if (wanted.empty()) wanted = {"one", "rates", "syncs", "sizes", "crowd", "attach"};
    for (const auto& name : wanted) {
      const auto phase = phases.find(name);
      if (phase == phases.end()) throw std::runtime_error("there is no phase '" + name + "'");
      phase->second(s, report);
      report.write_json(json);  // after each phase: a later one that fails does not cost the earlier ones
    }
    std::cout << "\n" << report.missed() << " goals missed; figures in " << json << "\n";
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "vbs_bench: " << e.what() << "\n";
    return 1;
  }
}
