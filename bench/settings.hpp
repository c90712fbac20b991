// What bench/run tells the load generator about the service that it has set up.
#pragma once
#include <sys/types.h>

#include <string>

#include "bench/https_client.hpp"

namespace vbs::bench {

struct Settings {
  Server server;
  pid_t vbsd = 0;
  std::string store;              // directory of vbs.db
  std::string ext4_dir, xfs_dir;  // roots of the back-ends named ext4 (overlays) and xfs (reflinks)
  std::string host, vm, libvirt;  // for attach: host table entry, libvirt domain and URI
  std::string crowd;              // a host with VMs vm1 to vm200
  unsigned clients = 8;
  double seconds = 10;    // of each rate
  unsigned repeats = 5;   // of each operation on each size
  unsigned full_gib = 8;  // of the volume that is full of data; 0 leaves it out
};

class Report;
void measure_rates(const Settings&, Report&);
void measure_one_client(const Settings&, Report&);  // against the bare syncs
void measure_syncs(const Settings&, Report&);
void measure_sizes(const Settings&, Report&);
void measure_attach(const Settings&, Report&);
void measure_crowd(const Settings&, Report&);  // one volume, attached to 200 VMs at once

}  // namespace vbs::bench
